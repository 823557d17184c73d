import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allKinds, type AnyObject } from '../../src/api/kinds.ts';
import type { Objects } from '../../src/api/objects.ts';
import { localKeyOf } from '../../src/lib/key.ts';
import { graphBuilder } from '../../src/model/build.ts';
import type { Graph } from '../../src/model/graph.ts';
import { admit } from '../../src/sources/admission/admit.ts';
import { snapshotOf } from '../../xds/snapshot/snapshot-of.ts';
import { translator } from '../../xds/translate/translate.ts';
import { certificateFor } from '../support/certificates.ts';
import { envoyRefuses } from '../support/envoy-validate.ts';
import { envoy } from '../support/envoy.ts';
import { documents } from '../support/worlds.ts';

const leaf = certificateFor(['a.example']);
const certificates = ['default', 'other'].map((namespace) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  type: 'kubernetes.io/tls',
  metadata: { name: 'certificate', namespace },
  stringData: { 'tls.crt': leaf.certificate, 'tls.key': leaf.privateKey },
}));

/** What admission lets through; of objects with one name the first, as from a directory. */
const admitted = (raws: readonly unknown[]): Objects => {
  const maps = Object.fromEntries(allKinds.map((kind) => [kind, new Map<string, AnyObject>()]));
  for (const raw of raws) {
    const result = admit(raw);
    if (!result.ok) continue;
    const map = maps[result.value.kind];
    const key = localKeyOf(result.value);
    if (map !== undefined && !map.has(key)) map.set(key, result.value);
  }
  return maps as unknown as Objects;
};

/** How many configurations a longer hunt tries: `SOAK=500 npx vitest run test/integration/nonsense.test.ts`. */
const soak = process.env['SOAK'] === undefined ? undefined : Number(process.env['SOAK']);

const options = { privilegedPorts: false, defaultAddresses: ['127.0.0.1'], exclusivePorts: true } as const;

/** Parts of a graph that hold nothing of how they were come by. */
const comparable = ({ gateways, endpoints, statuses }: Graph): unknown => [[...gateways], new Map(endpoints), [...statuses]];

describe('whatever users write', () => {
  it('never stops the pipeline, and a rebuild gives what a build from nothing gives', () => {
    const build = graphBuilder(options);
    const translate = translator();
    fc.assert(
      fc.property(documents(certificates, 5), (raws) => {
        const objects = admitted(raws);
        const graph = build(objects);
        expect(comparable(graph)).toEqual(comparable(graphBuilder(options)(objects)));
        const resources = translate(graph);
        expect(resources).toEqual(translator()(graph));
        for (const one of resources.values()) snapshotOf(one);
      }),
      { numRuns: 150 },
    );
  });

  it.skipIf(envoy === undefined)(
    'becomes configuration that Envoy accepts',
    async () => {
      let routed = 0;
      await fc.assert(
        fc.asyncProperty(documents(certificates, 1), async (raws) => {
          for (const resources of translator()(graphBuilder({ ...options, exclusivePorts: false })(admitted(raws))).values()) {
            if (resources.Listener.size === 0) continue;
            if (resources.Cluster.size > 0) routed += 1;
            const refused = await envoyRefuses(resources);
            if (refused !== undefined) throw new Error(refused.slice(0, 2000));
          }
        }),
        { numRuns: soak ?? 50 },
      );
      // About one in three gets that far; none would mean that the worlds no longer test anything.
      expect(routed).toBeGreaterThan(0);
    },
    soak === undefined ? 600_000 : 3_600_000,
  );
});
