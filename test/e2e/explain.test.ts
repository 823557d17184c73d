import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Explanation } from '../../src/ops/explain/explanation.ts';
import { envoy } from '../support/envoy.ts';
import { type Answer, ask, type Backend, startBackend } from '../support/http.ts';
import { freePort } from '../support/ports.ts';
import { edge, route, service, startWorld, type World } from '../support/world.ts';

const to = (name: string): string => `backendRefs: [{ name: ${name}, port: 80 }]`;
const routes = [
  route(
    'HTTPRoute',
    'shop',
    `hostnames: [shop.example], rules: [
      { matches: [{ path: { type: Exact, value: /cart } }], ${to('one')} },
      { matches: [{ path: { type: PathPrefix, value: /cart } }, { path: { type: PathPrefix, value: /a/b } }], ${to('two')} },
      { matches: [{ path: { type: RegularExpression, value: "/[0-9]+(/x)?" } }], ${to('one')} },
      { matches: [{ path: { type: PathPrefix, value: /a }, headers: [{ name: X-Version, value: v2 }] }], ${to('two')} },
      { matches: [{ path: { type: PathPrefix, value: /a }, headers: [{ name: x-version, type: RegularExpression, value: "v[0-9]" }] }], ${to('one')} },
      { matches: [{ method: POST, queryParams: [{ name: q, value: "1" }] }], ${to('empty')} },
      { matches: [{ method: POST }], ${to('nowhere')} }]`,
  ),
  route(
    'HTTPRoute',
    'wild',
    `hostnames: ["*.example"], rules: [
      { matches: [{ path: { type: PathPrefix, value: /a } }], filters: [{ type: RequestRedirect, requestRedirect: { scheme: https } }] },
      { matches: [{ queryParams: [{ name: q, type: RegularExpression, value: ".+" }] }], ${to('two')} }]`,
  ),
  route(
    'HTTPRoute',
    'rest',
    `rules: [{ matches: [{ path: { type: PathPrefix, value: /a/ } }, { headers: [{ name: host, value: x.y }] }], ${to('one')} }]`,
  ),
];

const requests = fc.record({
  host: fc.constantFrom('shop.example', 'SHOP.example:81', 'a.example', 'a.b.example', 'example', 'x.y', 'elsewhere'),
  path: fc.constantFrom(
    '/',
    '/cart',
    '/cart/',
    '/cart/x',
    '/carts',
    '/a',
    '/a/',
    '/a/b',
    '/a/b/c',
    '/ab',
    '/7',
    '/42/x',
    '/42/xy',
    '//a//b',
    '/Cart',
  ),
  query: fc.constantFrom('', '?q', '?q=1', '?q=2&q=1', '?p=1', '?q=%31'),
  method: fc.constantFrom('GET', 'POST'),
  version: fc.constantFrom('', 'v1', 'v2', 'v10'),
});

/** One of each outcome; the rarest comes up by chance in most runs only. */
const examples = [
  { host: 'shop.example', path: '/cart', query: '', method: 'GET', version: '' },
  { host: 'shop.example', path: '/cart/x', query: '', method: 'GET', version: '' },
  { host: 'a.example', path: '/a', query: '', method: 'GET', version: '' },
  { host: 'a.example', path: '/', query: '', method: 'GET', version: '' },
  { host: 'shop.example', path: '/', query: '', method: 'POST', version: '' },
  { host: 'shop.example', path: '/', query: '?q=1', method: 'POST', version: '' },
];

describe.skipIf(envoy === undefined)('explain', () => {
  let port: number;
  let world: World;
  let backends: readonly Backend[];
  beforeAll(async () => {
    port = await freePort();
    backends = await Promise.all([startBackend('one'), startBackend('two')]);
    const services = [...backends.map((backend) => service(backend.name, [backend.port])), service('empty', [])];
    world = await startWorld({ 'all.yaml': [edge(`name: http, protocol: HTTP, port: ${port}`), ...services, ...routes].join('') });
  });
  afterAll(async () => {
    await world.stop();
    for (const backend of backends) backend.close();
  });

  const explained = async (target: string, method: string, headers: Readonly<Record<string, string>>): Promise<string> => {
    const query = new URLSearchParams({ target, method });
    for (const [name, value] of Object.entries(headers)) query.append('header', `${name}: ${value}`);
    const answer = await fetch(`http://127.0.0.1:${world.server.httpPort}/api/v1/explain?${query.toString()}`);
    const [path] = ((await answer.json()) as Explanation).paths;
    const backend = path?.steps.findLast(({ at }) => at === 'backend')?.name;
    return path?.outcome === 'forwarded' ? `200 ${backend?.split('/')[2]}` : `${path?.status}`;
  };
  const answered = ({ status, body }: Answer): string => (status === 200 ? `200 ${body.split(' ')[0]}` : `${status}`);

  it('says of any request what Envoy then does with it', async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(requests, async ({ host, path, query, method, version }) => {
        const headers = { host, ...(version === '' ? {} : { 'x-version': version }) };
        const said = await explained(`http://127.0.0.1:${port}${path}${query}`, method, headers);
        seen.add(said);
        expect(said).toBe(answered(await ask(port, `${path}${query}`, headers, { method })));
      }),
      { numRuns: 300, examples: examples.map((one): [typeof one] => [one]) },
    );
    expect([...seen].toSorted()).toEqual(['200 one', '200 two', '302', '404', '500', '503']);
  });
});
