import { z } from 'zod';
import { withGrantsOf } from './state.ts';
import type { World } from './state.ts';

/** An order to misbehave. Without a `count` it stands until it is taken back. */
export const faultSchema = z.strictObject({
  /** Matched against the whole path, still percent-encoded; `*` stands for any text. */
  path: z.string().max(1000).default('*'),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).optional(),
  count: z.int().min(1).optional(),
  /** The call is done at once; its answer comes this much later. */
  delayMs: z.int().min(0).max(600_000).default(0),
  /** Answer with this error instead of doing the call. */
  status: z.int().min(400).max(599).optional(),
  message: z.string().max(1000).optional(),
  retryAfterSeconds: z.int().min(0).optional(),
  /** End the connection instead of doing the call. */
  drop: z.boolean().default(false),
  /** Do the call, send half of the answer, end the connection. */
  cut: z.boolean().default(false),
  /** Answer reads from the state at the time of the order. Writes are not concerned, and not counted. */
  stale: z.boolean().default(false),
});

export type FaultOrder = z.infer<typeof faultSchema>;

/** A standing order: how many calls it still concerns (absent: all), and what stale reads see. */
export type Fault = Omit<FaultOrder, 'count'> & { readonly id: string; readonly left?: number; readonly past?: World };

/** The order as it stands from now on. */
export const faultFrom = ({ count, ...order }: FaultOrder, id: string, world: World): Fault => ({
  ...order,
  id,
  ...(count !== undefined && { left: count }),
  ...(order.stale && { past: world }),
});

/** The first fault that concerns a call, and the faults that stand afterwards. */
export const takeFault = (
  faults: readonly Fault[],
  method: string,
  path: string,
): { readonly fault: Fault | undefined; readonly faults: readonly Fault[] } => {
  const fault = faults.find((each) => concerns(each, method, path));
  if (fault?.left === undefined) return { fault, faults };
  const left = fault.left - 1;
  return { fault, faults: faults.flatMap((each) => (each !== fault ? [each] : left > 0 ? [{ ...fault, left }] : [])) };
};

/** The world that a call sees under a fault: the past for stale reads, though with today's credentials, or no token of today would do. */
export const worldUnder = (fault: Fault | undefined, world: World): World =>
  fault?.past === undefined ? world : withGrantsOf(fault.past, world);

const concerns = (fault: Fault, method: string, path: string): boolean =>
  (fault.method === undefined || fault.method === method) && (!fault.stale || method === 'GET') && isLike(path, fault.path);

/** Whether the pattern's pieces between the `*` follow each other in the text, the first at its beginning and the last at its end. */
const isLike = (text: string, pattern: string): boolean => {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
};
