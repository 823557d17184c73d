/** What one client of a proxy sees: few kept-open connections, asked in turn, so that every worker of the proxy is met. */
import { Client } from 'undici';

export type Answer = {
  /** 0 where there was none. */
  readonly status: number;
  /** Of the header `x-revision`; 0 where there is none. */
  readonly revision: number;
  /** Why there was no 200: what the proxy wrote, or how the connection broke. */
  readonly reason: string;
};

export type Connections = {
  /** Never throws: no answer is an answer with status 0. */
  readonly ask: (host: string) => Promise<Answer>;
  readonly close: () => Promise<void>;
};

const timeoutMs = 5000;
const reasonLength = 90;

/** Opens connections when they are first used; each carries one request at a time, further ones wait for it. */
export const connectionsTo = (origin: string, count: number): Connections => {
  const clients = Array.from(
    { length: count },
    () =>
      new Client(origin, { headersTimeout: timeoutMs, bodyTimeout: timeoutMs, keepAliveTimeout: 600_000, keepAliveMaxTimeout: 600_000 }),
  );
  let turn = 0;
  const next = (): Client | undefined => {
    for (let tried = 0; tried < clients.length; tried += 1) {
      turn = (turn + 1) % clients.length;
      const client = clients[turn];
      if (client !== undefined && client.stats.pending + client.stats.running === 0) return client;
    }
    return clients[turn];
  };
  return {
    ask: (host) => new Promise((resolve) => send(next(), host, resolve)),
    close: async () => void (await Promise.all(clients.map(async (client) => client.destroy()))),
  };
};

/** Below `request`: no stream is made for a body that nobody reads. */
const send = (client: Client | undefined, host: string, answered: (answer: Answer) => void): void => {
  let status = 0;
  let revision = 0;
  let reason = '';
  client?.dispatch(
    { path: '/', method: 'GET', headers: { host } },
    {
      onRequestStart: () => undefined,
      onResponseStart: (_, code, headers) => {
        status = code;
        revision = Number(headers['x-revision'] ?? 0);
      },
      onResponseData: (_, chunk) => {
        if (status !== 200 && reason.length < reasonLength) reason += chunk.toString('latin1');
      },
      onResponseEnd: () => answered({ status, revision, reason: reason.slice(0, reasonLength) }),
      onResponseError: (_, error) => answered({ status: 0, revision: 0, reason: nameOf(error) }),
    },
  );
};

const nameOf = (error: Error): string => `${(error as NodeJS.ErrnoException).code ?? error.name} ${error.message}`.slice(0, reasonLength);
