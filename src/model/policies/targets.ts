import type { PolicyTargetReference } from '../../api/generated/tailscale.ts';
import type { ObjectKey } from '../../lib/key.ts';
import { objectKey } from '../../lib/key.ts';

/** What a policy may target: the key of an object, followed by `#` and the name of its listener or rule, if it names one. */
export type TargetKey = string;

export const targetKeyOf = ({ kind, name, sectionName }: PolicyTargetReference, namespace: string | undefined): TargetKey =>
  sectionOf(objectKey(kind, namespace ?? '', name), sectionName);

export const sectionOf = (owner: ObjectKey, section: string | undefined): TargetKey =>
  section === undefined ? owner : `${owner}#${section}`;

/** From the least specific to the most specific. */
export type Level = 'gateway' | 'listener' | 'sharing' | 'route' | 'rule' | 'backend';

export const levelOf = ({ kind, sectionName }: Pick<PolicyTargetReference, 'kind' | 'sectionName'>): Level => {
  switch (kind) {
    case 'Gateway':
      return sectionName === undefined ? 'gateway' : 'listener';
    case 'TailscaleGateway':
      return 'sharing';
    case 'HTTPRoute':
    case 'GRPCRoute':
    case 'TCPRoute':
    case 'TLSRoute':
      return sectionName === undefined ? 'route' : 'rule';
    default:
      return 'backend';
  }
};

const levels: readonly Level[] = ['gateway', 'listener', 'sharing', 'route', 'rule', 'backend'];

/** Higher is more specific. */
export const rankOf = (level: Level): number => levels.indexOf(level);
