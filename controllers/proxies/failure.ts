import { ApiError } from '../../src/kubernetes/api-error.ts';
import { failureOf } from '../../src/kubernetes/failure.ts';
import type { Verdict } from '../../src/model/route-node.ts';
import type { ProxySet } from '../../src/model/proxy-set.ts';
import type { TailscaleApiError } from '../../src/tailscale/api-error.ts';
import { ForeignObjectError, TerminalError } from '../runtime/errors.ts';

/** Something that passes, with what users are told meanwhile. */
export class Hindrance extends Error {
  override readonly name = 'Hindrance';
  readonly reason: string;

  constructor({ reason, message }: Verdict) {
    super(message);
    this.reason = reason;
  }
}

/** A call about `set` to the API of TailscaleTailnet `tailnet` failed. */
export class TailnetError extends Error {
  override readonly name = 'TailnetError';
  readonly error: TailscaleApiError;
  readonly tailnet: string;
  readonly tags: readonly string[];

  constructor(error: TailscaleApiError, tailnet: string, { tags }: Partial<Pick<ProxySet, 'tags'>>) {
    super(error.message, { cause: error });
    this.error = error;
    this.tailnet = tailnet;
    this.tags = tags ?? [];
  }
}

/** What users are told of a failure: its cause, and what helps. Undefined for what passes by itself at the next look. */
export const verdictOn = (error: unknown): Verdict | undefined => {
  if (error instanceof TailnetError) return verdictOnTailnet(error);
  if (error instanceof Hindrance) return { reason: error.reason, message: error.message };
  if (error instanceof ForeignObjectError) return { reason: 'NameTaken', message: `${error.message}. Rename or remove it` };
  if (error instanceof TerminalError) return { reason: 'Invalid', message: error.message };
  if (error instanceof ApiError && error.code === 409) return undefined;
  const { message } = failureOf(error);
  return { reason: 'ClusterFailed', message };
};

const verdictOnTailnet = ({ error, tailnet, tags }: TailnetError): Verdict => {
  const said = error.told;
  const of = `TailscaleTailnet ${tailnet}`;
  if (error.isAboutTags)
    return {
      reason: 'TagsNotOwned',
      message: `The credentials of ${of} may not give devices ${tags.join(', ')}: ${said}. Give its OAuth client these tags, or let one of its tags own them in tagOwners of the tailnet's policy file`,
    };
  switch (error.kind) {
    case 'credentials':
      return {
        reason: 'CredentialsRefused',
        message: `The tailnet refuses the credentials of ${of}: ${said}. Put valid ones into its Secret`,
      };
    case 'scopes':
      return {
        reason: 'MissingScopes',
        message: `The credentials of ${of} lack a right: ${said}. Give its OAuth client the scopes auth_keys and devices:core, to write`,
      };
    case 'billing':
      return { reason: 'Billing', message: `The plan of ${of} does not allow another device: ${said}. Remove devices, or change the plan` };
    case 'rate-limited':
    case 'server':
    case 'unreachable':
      return { reason: 'ApiUnreachable', message: `The API of ${of} does not do what is asked now: ${said}. It is tried again` };
    case 'not-found':
    case 'conflict':
    case 'invalid':
      return {
        reason: error.call === 'createAuthKey' ? 'KeyRefused' : 'ApiRefused',
        message: `The API of ${of} refuses ${error.call === 'createAuthKey' ? 'an auth key' : error.call}: ${said}. See whether its spec.tailnet and its credentials fit together`,
      };
  }
};
