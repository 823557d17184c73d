/**
 * The ADS server as a target of the public xDS conformance suite (ii/xds-test-harness):
 * `npm run xds:target -- --port P --adapter Q --node-id test-id`. Point the suite at it with `-T :P -A :Q -N test-id`.
 */
import { parseArgs } from 'node:util';
import { adsServer } from '../../xds/ads/server.ts';
import { startAdapter } from './adapter.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '18000' },
    adapter: { type: 'string', default: '17000' },
    'node-id': { type: 'string', default: 'test-id' },
  },
});

const ads = adsServer({ address: `127.0.0.1:${values.port}`, groupOf: () => values['node-id'], controlPlaneId: 'tailplane' });
const port = await ads.listen();
const adapter = await startAdapter(`127.0.0.1:${values.adapter}`, ads);
process.stdout.write(`xDS on port ${port}, adapter on port ${adapter.port}, node ${values['node-id']}\n`);
