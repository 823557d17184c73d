/**
 * Every folder below with an `in.yaml` is a case: what users write, to what Envoy gets and what users are told. `vitest -u` writes the
 * results anew; whoever runs it reads the difference. `world.yaml` is there in all of them: backends, certificates, namespaces. What is known
 * of tailnets and proxies is in `observations.yaml`.
 */
import { readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Objects } from '../../src/api/objects.ts';
import type { Observations } from '../../src/api/observations.ts';
import type { ObjectKey } from '../../src/lib/key.ts';
import { graphBuilder } from '../../src/model/build.ts';
import type { Graph } from '../../src/model/graph.ts';
import { encode } from '../../xds/codec.ts';
import { messageNames, type ResourceType, type Resources } from '../../xds/resources.ts';
import { translator } from '../../xds/translate/translate.ts';
import { envoyRefuses } from '../support/envoy-validate.ts';
import { envoy } from '../support/envoy.ts';
import { loadCase, reversed } from './load.ts';
import { clustersNamedIn, secretsNamedIn } from './names-in.ts';
import { printed, printedStatuses } from './print.ts';

const here = import.meta.dirname;
const cases = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('in.yaml'))
  .map(dirname)
  .toSorted();

type Outcome = { readonly graph: Graph; readonly resources: ReadonlyMap<string, Resources> };

const outcomeOf = (objects: Objects, observations: Observations): Outcome => {
  const graph = graphBuilder({ privilegedPorts: false, exclusivePorts: true, defaultAddresses: ['127.0.0.1'] })(objects, observations);
  return { graph, resources: translator()(graph) };
};

/** What is said of the case's own objects: those of the world are the same everywhere. */
const statusesOf = ({ statuses }: Graph, own: ReadonlySet<ObjectKey>): Graph['statuses'] =>
  new Map([...statuses].filter(([key]) => own.has(key)));

describe.each(cases)('%s', (name) => {
  const folder = join(here, name);
  const { objects, observations, own, errors } = loadCase(folder, join(here, 'world.yaml'));
  const { graph, resources } = outcomeOf(objects, observations);

  it('means what is written beside it', async () => {
    const outputs = new Map([['out.status.yaml', printedStatuses(statusesOf(graph, own))]]);
    if (errors.length > 0) outputs.set('out.errors.txt', `${errors.join('\n')}\n`);
    for (const [gateway, ofGateway] of resources) outputs.set(`out.${gateway.replace('/', '.')}.yaml`, printed(ofGateway));
    for (const [file, text] of outputs) await expect(text).toMatchFileSnapshot(join(folder, file));
    const stale = readdirSync(folder).filter((file) => file.startsWith('out.') && !outputs.has(file));
    const isUpdating = expect.getState().snapshotState.snapshotUpdateState === 'all';
    if (isUpdating) for (const file of stale) rmSync(join(folder, file));
    expect(isUpdating ? [] : stale).toEqual([]);
  });

  it('means the same in any order', () => {
    expect(outcomeOf(reversed(objects), observations)).toEqual({ graph, resources });
  });

  it('is whole: everything Envoy would ask for by name is there, has an owner if somebody wrote it, and can be encoded', () => {
    for (const [gateway, ofGateway] of resources) {
      for (const type of Object.keys(messageNames) as ResourceType[])
        for (const { message, owners } of ofGateway[type].values()) {
          // Filters by name are made of tailnets and proxies, which nobody wrote.
          if (type !== 'TypedExtensionConfig') expect(owners).not.toEqual([]);
          expect(encode(messageNames[type], message).length).toBeGreaterThan(0);
        }
      const unheard = new Set(graph.gateways.get(gateway)?.backends.flatMap(({ id }) => (graph.endpoints.has(id) ? [] : [id])));
      const byEds = [...ofGateway.Cluster].filter(([name, { message }]) => message.type === 'EDS' && !unheard.has(name));
      expect([...ofGateway.ClusterLoadAssignment.keys()]).toEqual(byEds.map(([name]) => name));
      expect([...clustersNamedIn(ofGateway)].filter((cluster) => !ofGateway.Cluster.has(cluster))).toEqual([]);
      expect([...secretsNamedIn(ofGateway)].toSorted()).toEqual([...ofGateway.Secret.keys()]);
    }
  });

  it.skipIf(envoy === undefined)('is accepted by Envoy', async () => {
    for (const ofGateway of resources.values()) expect(await envoyRefuses(ofGateway)).toBeUndefined();
  });
});
