import type { TailscaleTailnet } from '../../api/generated/tailscale.ts';
import type { Objects } from '../../api/objects.ts';
import type { TailnetTrouble } from '../../api/observations.ts';
import { localKey } from '../../lib/key.ts';
import { fail, ok, type Result } from '../../lib/result.ts';

/** Where a tailnet is asked, and as whom. Values that are equal ask the same. */
export type Access = {
  readonly apiURL: string;
  /** Id or name at Tailscale, `-` for the one that the credentials belong to. */
  readonly tailnet: string;
  /** The tailnet that tailplane simulates, wherever that answers. */
  readonly simulated: boolean;
  /** `namespace/name` of the Secret. */
  readonly secret: string;
  readonly clientId: string;
  /** One of the two. */
  readonly clientSecret?: string;
  readonly audience?: string;
};

/** A trouble without its time. */
export type Trouble = Omit<TailnetTrouble, 'since'>;

export type AccessOptions = {
  /** Where Secrets are whose namespace is not named. */
  readonly ownNamespace: string;
  readonly simulates: boolean;
  /** Whether somebody vouches for us, as workload identity needs. */
  readonly hasIdentity: boolean;
};

const tailscaleURL = 'https://api.tailscale.com';

/** How to ask a tailnet, or what is missing for that. Whitespace around keys of the Secret does not count: files end with a newline. */
export const accessFrom = (
  { spec }: TailscaleTailnet,
  secrets: Objects['Secret'],
  { ownNamespace, simulates, hasIdentity }: AccessOptions,
): Result<Access, Trouble> => {
  const { oauthSecretName, oauthSecretNamespace = ownNamespace, audience, tailnet } = spec;
  const apiURL = spec.apiURL.replace(/\/+$/, '');
  const secret = localKey(oauthSecretNamespace, oauthSecretName);
  const wanted = audience === undefined ? ['client_id', 'client_secret'] : ['client_id'];
  const data = secrets.get(secret)?.data;
  const simulated = simulates && tailnet === 'simulated' && apiURL === tailscaleURL;
  // What the simulator knows from the start is no secret.
  if (simulated && data === undefined) return ok({ apiURL, tailnet, simulated, secret, clientId: 'simulated', clientSecret: 'simulated' });
  if (!secrets.has(secret))
    return missing(`Secret "${secret}" does not exist: create it, with the OAuth client of the tailnet in ${wanted.join(' and ')}`);
  const text = (key: string): string =>
    Buffer.from(data?.[key] ?? '', 'base64')
      .toString('utf8')
      .trim();
  const lacking = wanted.filter((key) => text(key) === '');
  if (lacking.length > 0) return missing(`Secret "${secret}" lacks ${lacking.join(' and ')}: add what the OAuth client of the tailnet has`);
  if (audience !== undefined && !hasIdentity)
    return fail({
      kind: 'credentials',
      message: `audience asks for workload identity, which only tailplane in a cluster has: remove it, and put client_secret into Secret "${secret}"`,
    });
  return ok({
    apiURL,
    tailnet,
    simulated,
    secret,
    clientId: text('client_id'),
    ...(audience === undefined ? { clientSecret: text('client_secret') } : { audience }),
  });
};

const missing = (message: string) => fail<Trouble>({ kind: 'secret', message });

/** Whether what is known by one access stands while the other has not answered yet: it leads to the same tailnet. */
export const isSamePlace = (one: Access, other: Access): boolean => one.apiURL === other.apiURL && one.tailnet === other.tailnet;
