import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../../support/envoy.ts';
import { type Fleet, startFleet } from '../../support/fleet.ts';
import { tlsSecret } from '../../support/gateway-api.ts';
import { type Answer, ask } from '../../support/http.ts';
import { edgeAt } from '../../support/world.ts';
import { httpRoute } from './scene.ts';

/** An address of its own, so that ports 10080 and 10443 are free whatever else runs here. Only Linux has more than one on loopback. */
const address = process.platform === 'linux' ? '127.0.80.43' : '127.0.0.1';

const gateway = edgeAt(
  address,
  'name: http, protocol: HTTP, port: 80',
  'name: alt, protocol: HTTP, port: 18080',
  'name: https, protocol: HTTPS, port: 443, tls: { certificateRefs: [{ name: certificate }] }',
);

const rule = (path: string, redirect: string): string =>
  `{ matches: [{ path: { value: ${path} } }], filters: [{ type: RequestRedirect, requestRedirect: { ${redirect} } }] }`;

const boundPorts = { http: 10080, alt: 18080, https: 10443 } as const;

describe.skipIf(envoy === undefined)('where a redirect leads', () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await startFleet();
    await fleet.apply(
      gateway +
        tlsSecret('certificate') +
        httpRoute(
          'redirects',
          rule('/https', 'scheme: https'),
          rule('/http', 'scheme: http'),
          rule('/port', 'port: 8443'),
          rule('/https-port', 'scheme: https, port: 8443'),
          rule('/https-443', 'scheme: https, port: 443'),
          rule('/https-80', 'scheme: https, port: 80'),
          rule('/host', 'hostname: other.example'),
          rule('/all', 'scheme: https, hostname: other.example, port: 8443, path: { type: ReplaceFullPath, replaceFullPath: /new }'),
          rule('/old', 'path: { type: ReplacePrefixMatch, replacePrefixMatch: /new }'),
          rule('/strip', 'path: { type: ReplacePrefixMatch, replacePrefixMatch: / }'),
          rule('/full', 'path: { type: ReplaceFullPath, replaceFullPath: /there }'),
          ...[301, 302, 303, 307, 308].map((code) => rule(`/code/${code}`, `hostname: other.example, statusCode: ${code}`)),
        ),
    );
  });
  afterAll(async () => fleet?.stop());

  const answer = async (listener: keyof typeof boundPorts, path: string, host: string): Promise<Answer> => {
    const tls = { host: address, ca: '', rejectUnauthorized: false, servername: 'a.example' };
    return ask(boundPorts[listener], path, { host }, listener === 'https' ? tls : { host: address });
  };

  it.each([
    ['http', '/https/x?y=z', 'a.example', 'https://a.example/https/x?y=z'],
    ['http', '/https', 'a.example:80', 'https://a.example/https'],
    // A port in Host belongs to the old scheme: it is not carried over to the new one.
    ['http', '/https', 'a.example:10080', 'https://a.example:443/https'],
    ['alt', '/https', 'a.example:18080', 'https://a.example:443/https'],
    ['alt', '/https', 'a.example', 'https://a.example/https'],
    ['https', '/https', 'a.example', 'https://a.example/https'],
    ['http', '/http', 'a.example', 'http://a.example/http'],
    ['alt', '/http', 'a.example', 'http://a.example/http'],
    ['https', '/http', 'a.example', 'http://a.example/http'],
    ['http', '/port', 'a.example', 'http://a.example:8443/port'],
    ['https', '/port', 'a.example', 'https://a.example:8443/port'],
    ['http', '/https-port', 'a.example', 'https://a.example:8443/https-port'],
    ['http', '/https-443', 'a.example', 'https://a.example/https-443'],
    ['http', '/https-80', 'a.example', 'https://a.example:80/https-80'],
    ['http', '/host/x', 'a.example', 'http://other.example/host/x'],
    ['https', '/host/x', 'a.example', 'https://other.example/host/x'],
    ['alt', '/host/x', 'a.example:18080', 'http://other.example:18080/host/x'],
    ['alt', '/host/x', 'a.example', 'http://other.example:18080/host/x'],
    ['http', '/all/x?q=1', 'a.example', 'https://other.example:8443/new?q=1'],
    ['http', '/old/x/y?q=1', 'a.example', 'http://a.example/new/x/y?q=1'],
    ['http', '/old', 'a.example', 'http://a.example/new'],
    ['http', '/old/', 'a.example', 'http://a.example/new/'],
    ['alt', '/old', 'a.example', 'http://a.example:18080/new'],
    ['http', '/strip/x', 'a.example', 'http://a.example/x'],
    ['http', '/strip', 'a.example', 'http://a.example/'],
    ['http', '/full/x', 'a.example', 'http://a.example/there'],
  ] as const)('%s %s for %s: %s', async (listener, path, host, location) => {
    const { status, headers } = await answer(listener, path, host);
    expect([status, headers.location]).toEqual([302, location]);
  });

  it.each([301, 302, 303, 307, 308])('says so with the code that is asked for, %i', async (code) => {
    const { status, headers } = await answer('http', `/code/${code}`, 'a.example');
    expect([status, headers.location]).toEqual([code, `http://other.example/code/${code}`]);
  });
});
