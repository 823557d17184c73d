import type { TailscaleTailnet } from '../../api/generated/tailscale.ts';
import type { KnownTailnet, TailnetState, TailnetTrouble } from '../../api/observations.ts';
import { memo, memoByReads } from '../../lib/memo.ts';
import { present } from '../../lib/present.ts';
import { type ConditionsOf, conditionsOf } from '../conditions.ts';
import type { Condition, Status } from '../status.ts';
import type { ModelTables } from '../tables.ts';

type TailnetStatus = Extract<Status, { readonly kind: 'TailscaleTailnet' }>;

/**
 * What users are told of a tailnet. `Authenticated` tells at once what is wrong with credentials. `Ready` stays True while what is known is used
 * though nothing new is heard (reason `Stale`); once that has lasted (`TailnetTrouble.lasting`) nobody knows, and it is Unknown.
 */
export const tailnetStatusOf = memoByReads<Pick<ModelTables, 'tailnets'>, TailscaleTailnet, TailnetStatus>((tailnet, read) => {
  const state = read('tailnets', tailnet.metadata.name);
  const { known, trouble } = state ?? {};
  const conditions = conditionsOf(tailnet.metadata.generation);
  return {
    kind: 'TailscaleTailnet',
    conditions: [readyOf(state, conditions), authenticatedOf(state, conditions)],
    fields: {
      tailnetInfo: infoOf(tailnet, known),
      deviceCount: known?.devices.size ?? 0,
      connectedDevices: known === undefined ? 0 : connectedIn(known.devices),
      ...present({ lastSyncTime: known?.lastSync }),
      apiStatus: state === undefined ? 'Unknown' : apiStatuses[trouble?.kind ?? 'none'],
      credentialStatus: state === undefined ? 'Unknown' : credentialStatuses[trouble?.kind ?? 'none'],
    },
  };
});

type Kind = TailnetTrouble['kind'];

const reasons: Readonly<Record<Kind, string>> = {
  secret: 'SecretInvalid',
  credentials: 'CredentialsInvalid',
  scopes: 'MissingScopes',
  unreachable: 'Unreachable',
  refused: 'Refused',
};

const apiStatuses: Readonly<Record<Kind | 'none', string>> = {
  none: 'Available',
  secret: 'Unknown',
  credentials: 'Available',
  scopes: 'Available',
  unreachable: 'Unreachable',
  refused: 'Failing',
};

const credentialStatuses: Readonly<Record<Kind | 'none', string>> = {
  none: 'Valid',
  secret: 'Missing',
  credentials: 'Invalid',
  scopes: 'Insufficient',
  unreachable: 'Unknown',
  refused: 'Unknown',
};

const pending = 'Waiting for the first answer of the Tailscale API';

const readyOf = (state: TailnetState | undefined, { yes, no, unknown }: ConditionsOf): Condition => {
  if (state === undefined) return unknown('Ready', 'Pending', pending);
  const { known, trouble } = state;
  if (trouble === undefined) return yes('Ready', 'Synced', 'Machines and services of the tailnet are known');
  const { kind, message, since, lasting = false, anonymous = false } = trouble;
  if (known === undefined) return no('Ready', reasons[kind], message);
  const data = `Since ${since} nothing new is heard, and what was known at ${known.lastSync} is used: ${message}${anonymous ? unknownPeers : ''}`;
  return lasting ? unknown('Ready', reasons[kind], data) : yes('Ready', 'Stale', data);
};

const unknownPeers =
  '. Until its machines are listed again, no peer is known by its address, and routes that want to know their peers refuse them';

const authenticatedOf = (state: TailnetState | undefined, { yes, no, unknown }: ConditionsOf): Condition => {
  if (state === undefined) return unknown('Authenticated', 'Pending', pending);
  const { trouble } = state;
  if (trouble === undefined) return yes('Authenticated', 'Authenticated', 'The Tailscale API takes the credentials');
  const answers = trouble.kind === 'unreachable' || trouble.kind === 'refused';
  return (answers ? unknown : no)('Authenticated', reasons[trouble.kind], trouble.message);
};

/** The API does not tell a tailnet's own name: where users say none, its domain stands for it. */
const infoOf = ({ spec }: TailscaleTailnet, known: KnownTailnet | undefined): NonNullable<TailnetStatus['fields']['tailnetInfo']> =>
  present({ name: spec.tailnet === '-' ? known?.suffix : spec.tailnet, magicDNSSuffix: known?.suffix });

const connectedIn = memo((devices: KnownTailnet['devices']): number => {
  let connected = 0;
  for (const device of devices.values()) if (device.connected) connected += 1;
  return connected;
});
