import { setTimeout as sleep } from 'node:timers/promises';
import { type handleUnaryCall, Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { AdsServer } from '../../xds/ads/server.ts';
import type { Snapshot } from '../../xds/snapshot/snapshot.ts';
import {
  adapterMethods,
  type ClearStateRequest,
  type Cleared,
  type ResourceRequest,
  type SetStateRequest,
  type Success,
} from './adapter-protocol.ts';
import { edited, snapshotFromState, type State, stateOf } from './state.ts';

/**
 * How long a change waits before it is applied. The suite unsubscribes on the xDS stream and at once changes a resource on the adapter's
 * connection; without a delay the change can win.
 */
const settleMs = 400;

export type Adapter = { readonly port: number; readonly stop: () => void };

/** The service through which the conformance suite says what `ads`, whose groups are node ids, is to serve. */
export const startAdapter = async (address: string, ads: Pick<AdsServer, 'publish'>): Promise<Adapter> => {
  const states = new Map<string, { readonly state: State; readonly snapshot: Snapshot }>();
  const put = (node: string, state: State): void => {
    const snapshot = snapshotFromState(state, states.get(node)?.snapshot);
    states.set(node, { state, snapshot });
    ads.publish(node, snapshot);
  };
  const change = async ({ node, typeUrl, resourceName, version }: ResourceRequest, remove: boolean): Promise<Success> => {
    await sleep(settleMs);
    const current = states.get(node)?.state ?? stateOf(version, []);
    put(node, edited(current, typeUrl, resourceName, version, remove));
    return { success: true };
  };
  const server = new Server();
  server.addService(adapterMethods, {
    setState: unary<SetStateRequest, Success>(async ({ node, version, resources }) => {
      put(node, stateOf(version, resources));
      return { success: true };
    }),
    clearState: unary<ClearStateRequest, Cleared>(async ({ node }) => {
      states.delete(node);
      ads.publish(node, undefined);
      return { response: 'cleared' };
    }),
    updateResource: unary((request: ResourceRequest) => change(request, false)),
    addResource: unary((request: ResourceRequest) => change(request, false)),
    removeResource: unary((request: ResourceRequest) => change(request, true)),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  return { port, stop: () => server.forceShutdown() };
};

const unary =
  <I, O>(handle: (request: I) => Promise<O>): handleUnaryCall<I, O> =>
  (call, callback) => {
    void (async () => {
      const answer = await handle(call.request).catch((error: unknown) => ({ code: status.INTERNAL, details: String(error) }));
      if (answer !== null && typeof answer === 'object' && 'code' in answer) callback(answer);
      else callback(null, answer);
    })();
  };
