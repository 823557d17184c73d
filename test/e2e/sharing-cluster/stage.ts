/** A cluster with an application behind a Gateway, and a tailnet that the Gateway is shared with; nothing of it needs to work yet. */
import { once } from 'node:events';
import { join } from 'node:path';
import { authority, certificateFor } from '../../support/certificates.ts';
import type { Answer, Ask } from './client.ts';
import { type Cluster, install, startCluster } from './cluster.ts';
import type { Count } from './load.ts';
import { startTailnet, type Tailnet } from './tailnet.ts';
import { peers, suffix, worldOf } from './world.ts';

export type Peer = keyof typeof peers;

export type Stage = {
  readonly cluster: Cluster;
  readonly tailnet: Tailnet;
  /** Who vouches for every name of the tailnet and below example.com. */
  readonly ca: string;
  /** HTTPS by the name of a service, or to another address for it. */
  readonly get: (peer: Peer, service: string, more?: Partial<Ask>) => Promise<Answer>;
  /** Asks again and again from `anna`, before something goes on, meanwhile, and afterwards. */
  readonly underLoad: (service: string, meanwhile: () => Promise<void>) => Promise<Count>;
  readonly stop: () => Promise<void>;
};

/** Everything that has nothing to do with sharing. Whoever starts it stops it. */
export const startStage = async (): Promise<Stage> => {
  const cluster = await startCluster('share', 16646);
  const { lab } = cluster;
  let tailnet: Tailnet | undefined;
  const stop = async (): Promise<void> => {
    await tailnet?.stop();
    await lab.down();
  };
  try {
    const here = (tailnet = await startTailnet(lab));
    const issuer = authority();
    const ca = issuer.certificate;
    await install(cluster, 'east');
    await cluster.apply(worldOf('east', certificateFor([`*.${suffix}`, '*.example.com'], issuer)));
    return {
      cluster,
      tailnet: here,
      ca,
      get: async (peer, service, more = {}) => {
        const name = `${service}.${suffix}`;
        const own = { from: peers[peer].proxy, protocol: 'https', to: name, host: name, port: 443, ca } as const;
        return (await here.ask({ one: { ...own, ...more } })).one;
      },
      underLoad: async (service, meanwhile) => {
        const program = [process.execPath, join(import.meta.dirname, 'load.ts'), peers.anna.proxy, `${service}.${suffix}`, ca];
        const load = lab.spawn(program);
        let out = '';
        const ended = once(
          load.stdout.setEncoding('utf8').on('data', (text: string) => (out += text)),
          'end',
        );
        const more = async (answers: number): Promise<void> => {
          const before = out.length;
          while (out.length < before + answers) await Promise.race([once(load.stdout, 'data'), ended]);
        };
        try {
          await more(20);
          await meanwhile();
          await more(20);
        } finally {
          load.stdin.end();
        }
        await ended;
        return JSON.parse(out.slice(out.indexOf('\n'))) as Count;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
};
