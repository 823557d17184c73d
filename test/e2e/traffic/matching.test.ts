import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../../support/envoy.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { ask } from '../../support/http.ts';
import { freePort } from '../../support/ports.ts';
import { edge, route, service } from '../../support/world.ts';
import { type Backend, httpEcho } from './backends.ts';
import { whoAnswers } from './clients.ts';

const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'] as const;

/** A rule to one backend. */
const rule = (to: string, matches = ''): string => `{ matches: [${matches}], backendRefs: [{ name: ${to}, port: 80 }] }`;
const http = (name: string, hostnames: string, ...rules: readonly string[]): string =>
  route('HTTPRoute', name, `hostnames: [${hostnames}], rules: [${rules.join(', ')}]`);

describe.skipIf(envoy === undefined)('which rule takes a request', () => {
  let fleet: Fleet;
  let port: number;
  const backends: Backend[] = [];
  beforeAll(async () => {
    port = await freePort();
    for (const name of names) backends.push(await httpEcho(name));
    fleet = await startFleet();
    await fleet.apply(
      edge(`name: http, protocol: HTTP, port: ${port}`) +
        backends.map((backend) => service(backend.name, [backend.port])).join('') +
        http('exact', 'exact.example', rule('a')) +
        http('wildcard', '"*.example"', rule('b')) +
        http('deeper', '"*.deep.example"', rule('c')) +
        http(
          'paths',
          'paths.test',
          rule('a', '{ path: { type: PathPrefix, value: / } }'),
          rule('b', '{ path: { type: PathPrefix, value: /one } }'),
          rule('c', '{ path: { type: PathPrefix, value: /one/two/ } }'),
          rule('d', '{ path: { type: Exact, value: /one/two } }'),
          rule('e', '{ path: { type: RegularExpression, value: "/num/[0-9]+" } }'),
          rule('f', '{ path: { type: Exact, value: /slash/ } }'),
        ) +
        http(
          'conditions',
          'conditions.test',
          rule('a', '{ path: { value: /x } }'),
          rule('b', '{ path: { value: /x }, method: POST }'),
          rule('c', '{ path: { value: /x }, headers: [{ name: Color, value: blue }] }'),
          rule(
            'd',
            '{ path: { value: /x }, headers: [{ name: color, value: blue }, { name: size, value: "[0-9]+", type: RegularExpression }] }',
          ),
          rule('e', '{ path: { value: /x }, queryParams: [{ name: q, value: "1" }] }'),
          rule('f', '{ path: { value: /x }, queryParams: [{ name: q, value: "[a-z]+", type: RegularExpression }] }'),
          rule('g', '{ path: { value: /y }, method: GET }, { path: { value: /z }, headers: [{ name: either, value: "or" }] }'),
        ) +
        http('first', 'tie.test', rule('a', '{ path: { value: /tie } }'), rule('b', '{ path: { value: /tie } }')) +
        http('second', 'tie.test', rule('c', '{ path: { value: /tie } }'), rule('d', '{ path: { value: /tie/longer } }')),
    );
  });
  afterAll(async () => {
    await fleet?.stop();
    for (const backend of backends) await backend.stop();
  });

  const to = async (host: string, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<string> =>
    whoAnswers(await ask(port, path, { host, ...headers }, { method }));

  it.each([
    ['exact.example', 'a', 'an exact name before a wildcard'],
    ['EXACT.example:8080', 'a', 'whatever the case, and whatever port is said'],
    ['other.example', 'b', 'a wildcard'],
    ['very.other.example', 'b', 'a wildcard for several labels'],
    ['x.deep.example', 'c', 'the longer wildcard'],
    ['deep.example', 'b', 'a wildcard takes no name that equals its suffix'],
    ['example', '404', 'nor does the other'],
    ['unknown.test', '404', 'no route has the name'],
  ])('host %s goes to %s: %s', async (host, expected) => {
    expect(await to(host, '/')).toBe(expected);
  });

  it.each([
    ['/', 'a'],
    ['/oneself', 'a'],
    ['/one', 'b'],
    ['/one/', 'b'],
    ['/one/twofold', 'b'],
    ['/one/two', 'd'],
    ['/one/two?q=1', 'd'],
    ['/one/two/', 'c'],
    ['/one/two/three', 'c'],
    ['/num/42', 'e'],
    ['/num/42/more', 'a'],
    ['/num/', 'a'],
    ['/slash/', 'f'],
    ['/slash', 'a'],
    ['/one/../num/7', 'e'],
    ['//one', 'b'],
  ])('path %s goes to %s', async (path, expected) => {
    expect(await to('paths.test', path)).toBe(expected);
  });

  it.each([
    ['GET', '/x', {}, 'a'],
    ['POST', '/x', {}, 'b'],
    ['POST', '/x', { color: 'blue', size: '5' }, 'b'],
    ['GET', '/x', { color: 'blue' }, 'c'],
    ['GET', '/x', { color: 'Blue' }, 'a'],
    ['GET', '/x?q=1', { color: 'blue', size: '5' }, 'd'],
    ['GET', '/x', { color: 'blue', size: 'xl' }, 'c'],
    ['GET', '/x?q=1', { color: 'blue' }, 'c'],
    ['GET', '/x?p=0&q=1', {}, 'e'],
    ['GET', '/x?q=abc', {}, 'f'],
    ['GET', '/x?q=abc9', {}, 'a'],
    ['GET', '/y', {}, 'g'],
    ['POST', '/y', {}, '404'],
    ['POST', '/z', { either: 'or' }, 'g'],
    ['GET', '/z', {}, '404'],
  ] as const)('%s %s with %o goes to %s', async (method, path, headers, expected) => {
    expect(await to('conditions.test', path, headers, method)).toBe(expected);
  });

  it('of equal matches, takes the first of the route that is first by name', async () => {
    expect(await to('tie.test', '/tie')).toBe('a');
  });

  it('of two routes for one name, takes the longer path', async () => {
    expect(await to('tie.test', '/tie/longer')).toBe('d');
  });
});
