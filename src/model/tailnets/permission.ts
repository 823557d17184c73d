import type { TailscaleTailnet } from '../../api/generated/tailscale.ts';
import { localKey } from '../../lib/key.ts';
import type { Read } from '../../lib/memo.ts';
import { fail, ok, type Result } from '../../lib/result.ts';
import { allowsNamespace } from '../gateways/selector.ts';
import type { Verdict } from '../route-node.ts';
import type { ModelTables } from '../tables.ts';

type Permitting = Pick<ModelTables, 'TailscaleTailnet' | 'Namespace'>;

/**
 * The tailnet of that name, for objects of `namespace`; `TailnetNotFound`, or `TailnetNotAllowed` where its `allowedNamespaces` leaves them out.
 * Both say nothing else about it.
 */
export const tailnetFor = (name: string, namespace: string, read: Read<Permitting>): Result<TailscaleTailnet, Verdict> => {
  const tailnet = read('TailscaleTailnet', localKey('', name));
  if (tailnet === undefined) return fail({ reason: 'TailnetNotFound', message: `TailscaleTailnet "${name}" not found` });
  const selector = tailnet.spec.allowedNamespaces;
  if (selector === undefined || allowsNamespace(read, { from: 'Selector', selector }, '', namespace)) return ok(tailnet);
  return fail({
    reason: 'TailnetNotAllowed',
    message: `allowedNamespaces of TailscaleTailnet "${name}" does not select namespace "${namespace}"`,
  });
};
