import { setImmediate as nextTurn } from 'node:timers/promises';
import { BehaviorSubject, filter, firstValueFrom, map } from 'rxjs';
import type { Secret } from '../../src/api/core.ts';
import type { TailscaleTailnet, TailscaleTailnetSpec } from '../../src/api/generated/tailscale.ts';
import type { TailnetState } from '../../src/api/observations.ts';
import { type TailnetObjects, type TailnetsOptions, tailnetsSource } from '../../src/sources/tailnets/tailnets-source.ts';
import { type ClientOptions, type TailscaleClient, tailscaleClient } from '../../src/tailscale/client.ts';
import { simulatedTailnet } from './simulated-tailnet.ts';

export const tailnetOf = (name: string, spec: Partial<TailscaleTailnetSpec> = {}): TailscaleTailnet => ({
  apiVersion: 'gateway.tailscale.com/v1alpha1',
  kind: 'TailscaleTailnet',
  metadata: { name, generation: 1 },
  spec: {
    tailnet: '-',
    oauthSecretName: name,
    apiURL: 'https://api.tailscale.com',
    controlURL: 'https://controlplane.tailscale.com',
    ...spec,
  },
});

export const secretOf = (name: string, texts: Readonly<Record<string, string>>, namespace = 'tailplane-system'): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace, generation: 1 },
  type: 'Opaque',
  data: Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')])),
});

/** The credentials that the simulator knows from the start, as a file would have them. */
export const simulatedSecret = (name: string): Secret => secretOf(name, { client_id: 'simulated\n', client_secret: 'simulated\n' });

export const tailnetObjects = (tailnets: readonly TailscaleTailnet[], secrets: readonly Secret[]): TailnetObjects => ({
  TailscaleTailnet: new Map(tailnets.map((tailnet) => [`/${tailnet.metadata.name}`, tailnet])),
  Secret: new Map(secrets.map((secret) => [`${secret.metadata.namespace}/${secret.metadata.name}`, secret])),
});

/**
 * A source that follows tailnets of a simulator, the TailscaleTailnet `corp` at first. `seen` is all that it said. Time is virtual, and passes only
 * when somebody waits, or polls.
 */
export const followedTailnets = async (options: Partial<TailnetsOptions> = {}) => {
  const simulated = await simulatedTailnet();
  const { url, clock, made } = simulated;
  const corp = tailnetOf('corp', { apiURL: url });
  const objects$ = new BehaviorSubject(tailnetObjects([corp], [simulatedSecret('corp')]));
  const answered = { devices: 0, vipServices: 0, users: 0, policyGroups: 0 };
  /** Counts answers, with all that it takes to get them. */
  const clientFor = (own: ClientOptions): TailscaleClient => {
    const client = tailscaleClient({ ...own, wait: clock.wait });
    return {
      ...client,
      devices: () => client.devices().finally(() => (answered.devices += 1)),
      vipServices: () => client.vipServices().finally(() => (answered.vipServices += 1)),
      users: () => client.users().finally(() => (answered.users += 1)),
      policyGroups: () => client.policyGroups().finally(() => (answered.policyGroups += 1)),
    };
  };
  const source = tailnetsSource(objects$, {
    ownNamespace: 'tailplane-system',
    userAgent: 'test',
    now: clock.now,
    random: clock.random,
    clientFor,
    called: ({ call, status }) => made.push(`${call} ${status}`),
    ...options,
  });
  const seen: ReadonlyMap<string, TailnetState>[] = [];
  const subscription = source.tailnets$.subscribe((states) => seen.push(states));
  return {
    ...simulated,
    corp,
    objects$,
    source,
    seen,
    last: (name = 'corp'): TailnetState | undefined => seen.at(-1)?.get(name),
    /** The first state from now on, the present one included, that is so. */
    until: (isSo: (state: TailnetState) => boolean, name = 'corp'): Promise<TailnetState> =>
      firstValueFrom(
        source.tailnets$.pipe(
          map((states) => states.get(name)),
          filter((state): state is TailnetState => state !== undefined && isSo(state)),
        ),
      ),
    /** Asks for both lists, and is done when both answers are, and the first ones of people, whatever they were. */
    poll: async (): Promise<void> => {
      const { devices, vipServices } = answered;
      clock.pass(5000);
      source.refresh();
      const isOpen = (): boolean => answered.devices === devices || answered.vipServices === vipServices;
      while (isOpen() || answered.users === 0 || answered.policyGroups === 0) await nextTurn();
      await nextTurn();
    },
    close: async (): Promise<void> => {
      subscription.unsubscribe();
      await simulated.close();
    },
  };
};
