/** What one may ask the quickstart, as data: `npm start` prints it as curl commands, `--smoke` asks it and compares. */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';

type Try = {
  readonly what: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expect: { readonly status: number; readonly body?: RegExp; readonly location?: RegExp };
};

const host = 'shop.localhost';

export const tries: readonly Try[] = [
  {
    what: 'nine in ten from shop-v1, one from shop-v2',
    path: '/',
    headers: { host },
    expect: { status: 200, body: /^shop-v[12] at .* GET \/\n/ },
  },
  {
    what: 'asks for v2 by a header',
    path: '/cart',
    headers: { host, 'x-version': 'v2' },
    expect: { status: 200, body: /^shop-v2 at .* GET \/cart\n.*x-tester: yes/s },
  },
  {
    what: 'is redirected',
    path: '/cart',
    headers: { host: 'old.localhost' },
    expect: { status: 301, location: /^http:\/\/shop\.localhost:\d+\/cart$/ },
  },
  {
    what: 'reaches shop-v1 as /report',
    path: '/files/report',
    headers: {},
    expect: { status: 200, body: /^shop-v1 at .* GET \/report\n/ },
  },
  {
    what: 'a machine of the simulated tailnet',
    path: '/',
    headers: { host: 'notes.localhost' },
    expect: { status: 200, body: /^notes at .* GET \/\n/ },
  },
  { what: 'no route takes it', path: '/nothing', headers: {}, expect: { status: 404 } },
];

/** The same as a command line. */
export const curlFor = ({ path, headers, expect, what }: Try, port: number): string =>
  [
    expect.status === 200 ? 'curl' : 'curl -i',
    ...Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}'`),
    `http://127.0.0.1:${port}${path}`,
    ` # ${what}`,
  ].join(' ');

/** What is wrong with the answer; undefined when it is as expected. */
export const failureOf = async ({ path, headers, expect, what }: Try, port: number): Promise<string | undefined> => {
  const { status, location, body } = await ask(port, path, headers);
  const fits = status === expect.status && (expect.body?.test(body) ?? true) && (expect.location?.test(location) ?? true);
  return fits ? undefined : `${what}: ${status} ${location} ${JSON.stringify(body)}`;
};

const ask = (port: number, path: string, headers: Try['headers']): Promise<{ status: number; location: string; body: string }> =>
  new Promise((resolve, reject) => {
    request({ port, path, headers, host: '127.0.0.1', agent: false }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? '', body }), reject);
    })
      .on('error', reject)
      .end();
  });
