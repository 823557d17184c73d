/** Processes that die between two of their writes, wherever that hurts most. */
import type { ApiServer } from '../../src/kubernetes/api-server.ts';
import type { TailnetApi } from '../../controllers/proxies/tailnet.ts';

/** How long a process lives: it dies at the write after so many, which reaches its server or not. */
export type Life = { readonly writes: number; readonly isSent: boolean };

/** The connections of one process. What it sends after its death goes nowhere, and never answers. */
export const shortLived = (
  life: Life,
  api: ApiServer,
  tailnet: TailnetApi,
  died: () => void,
): { readonly api: ApiServer; readonly tailnet: TailnetApi } => {
  let left = life.writes;
  let isDead = false;
  const never = <T>(): Promise<T> => new Promise(() => undefined);
  const write = async <T>(send: () => Promise<T>): Promise<T> => {
    if (isDead) return never();
    if (left-- > 0) return send();
    isDead = true;
    if (life.isSent) await send().catch(() => undefined);
    died();
    return never();
  };
  return {
    api: {
      ...api,
      url: api.url,
      stream: api.stream,
      request: (request) =>
        (request.method ?? 'GET') === 'GET' ? (isDead ? never() : api.request(request)) : write(() => api.request(request)),
    },
    tailnet: {
      keys: () => (isDead ? never() : tailnet.keys()),
      createAuthKey: (wish) => write(() => tailnet.createAuthKey(wish)),
      deleteKey: (id) => write(() => tailnet.deleteKey(id)),
      deleteDevice: (id) => write(() => tailnet.deleteDevice(id)),
      setDeviceTags: (id, tags) => write(() => tailnet.setDeviceTags(id, tags)),
    },
  };
};

/** Lives drawn from `seed`, the same each time. */
export const livesFrom = (seed: number): (() => Life) => {
  let state = seed;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return () => ({ writes: Math.floor(random() * 5), isSent: random() < 0.5 });
};
