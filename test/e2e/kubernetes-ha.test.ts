import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configFrom } from '../../src/config.ts';
import { envoy } from '../support/envoy.ts';
import { hasApiServer } from '../support/kube-apiserver.ts';
import { eventually } from '../support/world.ts';
import type { Sight } from './kubernetes-ha/history.ts';
import { HaScene, leaseMs, ownAddress } from './kubernetes-ha/scene.ts';

/** What is run with where nothing else is said. */
const { leaseDuration: usualLeaseMs } = configFrom({ kubernetes: true }, {});

const possible = hasApiServer && envoy !== undefined && ownAddress !== undefined;

describe.skipIf(!possible).each(['DELTA_GRPC', 'GRPC'] as const)('two replicas on a cluster, %s', (apiType) => {
  let scene: HaScene;
  let to = 'one';
  beforeAll(async () => {
    scene = await HaScene.start(apiType);
    await scene.arrivesAt('one');
    await eventually(
      async () => scene.history.now('Gateway/edge'),
      ({ conditions }) => conditions.includes('Programmed=True@1') && !conditions.includes('Programmed=False@1'),
    );
    await settled();
  });
  afterAll(() => scene?.stop());

  const settled = (): Promise<Sight> =>
    eventually(
      async () => scene.history.now('HTTPRoute/shop'),
      ({ generation, conditions }) => conditions.length > 0 && conditions.every((condition) => condition.endsWith(`=True@${generation}`)),
      40_000,
    );

  /** What requests and statuses went through while `drill` went on, and a moment longer. */
  const during = async (
    drill: () => Promise<void>,
  ): Promise<{ readonly failures: readonly string[]; readonly sights: readonly string[] }> => {
    scene.history.take();
    const load = scene.load();
    const drilled = await drill().then(
      () => sleep(2 * leaseMs),
      (error: unknown) => ({ error }),
    );
    const { requests, failures } = await load.stop();
    if (drilled !== undefined) throw drilled.error;
    process.stderr.write(`${expect.getState().currentTestName}: ${requests} requests, ${failures.length} failed\n`);
    expect(requests).toBeGreaterThan(20);
    return { failures, sights: scene.history.take().map(({ object, conditions }) => [object, ...conditions].join(' ')) };
  };

  /** Edits the route; whole when requests follow it, and its status says so. */
  const edit = async (): Promise<void> => {
    to = to === 'one' ? 'two' : 'one';
    await scene.route(to);
    await scene.arrivesAt(to);
    await settled();
  };
  /** What is to be seen of one edit: the user's write, and one of ours. */
  const anEdit = (generation: number): readonly string[] => [
    `HTTPRoute/shop Accepted=True@${generation - 1} ResolvedRefs=True@${generation - 1}`,
    `HTTPRoute/shop Accepted=True@${generation} ResolvedRefs=True@${generation}`,
  ];
  const nextGeneration = (): number => scene.history.now('HTTPRoute/shop').generation + 1;

  it('serve the same versions, and one of them writes each status once', async () => {
    expect(await scene.dump(0)).toBe(await scene.dump(1));
    const generation = nextGeneration();
    expect(await during(edit)).toEqual({ failures: [], sights: anEdit(generation) });
  });

  it('go on when the leader is killed: the other leads, and its Envoy is sent nothing that it has', async () => {
    const changes = async (): Promise<string> => scene.envoy.admin('/stats?filter=(cluster|listener)_(added|modified|removed)$');
    const leader = await scene.leader();
    const before = await changes();
    const killed = await during(async () => {
      await scene.replicas[leader]?.process.stop('SIGKILL');
      await scene.leader(leader);
      await eventually(
        () => scene.followed(),
        (index) => index === 1 - leader,
        40_000,
      );
    });
    expect(killed).toEqual({ failures: [], sights: [] });
    expect(await changes()).toBe(before);
    const generation = nextGeneration();
    expect(await during(edit)).toEqual({ failures: [], sights: anEdit(generation) });
    expect(await during(() => scene.restart(leader))).toEqual({ failures: [], sights: [] });
    expect(await scene.dump(0)).toBe(await scene.dump(1));
  });

  it('hand over without a word in statuses when the leader is stopped', async () => {
    const leader = await scene.leader();
    const stopped = await during(async () => {
      await scene.replicas[leader]?.process.stop('SIGTERM');
      await scene.leader(leader);
      await scene.restart(leader);
    });
    expect(stopped).toEqual({ failures: [], sights: [] });
  });

  // An API server's troubles are the same to Envoys of either protocol.
  if (apiType === 'GRPC') return;

  it('go on when the API server is killed and started again', async () => {
    const away = await during(async () => {
      await scene.server.kill();
      await scene.restartApiServer();
      await scene.leader();
    });
    expect(away).toEqual({ failures: [], sights: [] });
    const generation = nextGeneration();
    expect(await during(edit)).toEqual({ failures: [], sights: anEdit(generation) });
  });

  it('go on through an outage of the API server of ten minutes, by a clock as much faster as the Lease is shorter', async () => {
    const away = await during(async () => {
      await scene.server.kill();
      await sleep((600_000 / usualLeaseMs) * leaseMs);
      await scene.restartApiServer();
      await scene.leader();
      await edit();
    });
    expect(away.failures).toEqual([]);
    expect(away.sights).toEqual(anEdit(nextGeneration() - 1));
  }, 240_000);

  it('follow edits through a slow API server, and the leader stays who it was', async () => {
    const leader = await scene.leader();
    for (const { line } of scene.replicas) line.slow(60);
    const generation = nextGeneration();
    expect(await during(edit)).toEqual({ failures: [], sights: anEdit(generation) });
    expect(await scene.leader()).toBe(leader);
    for (const { line } of scene.replicas) line.slow(0);
  });

  it('follow edits through an API server that is too slow to lead by, and say so once it is not', async () => {
    const generation = nextGeneration();
    const slow = await during(async () => {
      for (const { line } of scene.replicas) line.slow(leaseMs);
      await sleep(2 * leaseMs);
      to = to === 'one' ? 'two' : 'one';
      await scene.route(to);
      await scene.arrivesAt(to);
      for (const { line } of scene.replicas) line.slow(0);
      await settled();
    });
    expect(slow).toEqual({ failures: [], sights: anEdit(generation) });
  });

  it('have another leader when the first is cut off from the API server, and never two that write', async () => {
    const leader = await scene.leader();
    const generation = nextGeneration();
    const line = scene.replicas[leader]?.line;
    const cut = await during(async () => {
      line?.cut();
      await scene.leader(leader);
      to = to === 'one' ? 'two' : 'one';
      await scene.route(to);
      await settled();
      line?.mend();
      await scene.arrivesAt(to);
    });
    expect(cut).toEqual({ failures: [], sights: anEdit(generation) });
    expect(await scene.leader()).toBe(1 - leader);
  });
});
