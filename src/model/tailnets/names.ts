import { fingerprint } from '../../lib/fingerprint.ts';
import { type ObjectKey, partsOf } from '../../lib/key.ts';
import type { ProxySet } from '../proxy-set.ts';

/** Pods of StatefulSets with longer names fail: the label that tells their revision does not fit. It also leaves `-999-config` room in 63. */
const longest = 52;

/**
 * Name of the StatefulSet of one direction of a TailscaleEndpoints or a TailscaleGateway's tailnet, or, without `direction`, of a
 * TailscaleProxyGroup: `<name>-<direction>`, `<name>-<tailnet>-ingress`, or the group's own. It names a Service too (RFC 1035 label): names that are too long, have dots or begin with a digit end in a fingerprint of what they
 * stand for. So do groups named as if they were a direction of a TailscaleEndpoints, so that no two owners ever share a name.
 */
export const proxySetName = (owner: ObjectKey, direction?: ProxySet['direction'] | `${string}-ingress`): string => {
  const { name } = partsOf(owner);
  const full = direction === undefined ? name : `${name}-${direction}`;
  const mistakable = direction === undefined && /-(?:e|in)gress$/.test(name);
  if (full.length <= longest && /^[a-z][-a-z0-9]*$/.test(full) && !mistakable) return full;
  const end = `-${fingerprint(`${owner}/${direction ?? ''}`)}`;
  const plain = full.replaceAll('.', '-').replace(/^(?=\d)/, 'proxies-');
  return plain.slice(0, longest - end.length).replace(/-+$/, '') + end;
};
