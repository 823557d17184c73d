import { expect, it } from 'vitest';
import { hostPortFrom, hostPortText } from './host-port.ts';

it.each([
  ['127.0.0.1:18000', '127.0.0.1', 18000],
  ['localhost:0', 'localhost', 0],
  [':8080', '0.0.0.0', 8080],
  ['[::1]:65535', '::1', 65535],
])('%s is a host and a port', (text, host, port) => {
  expect(hostPortFrom(text)).toEqual({ host, port });
});

it.each(['', '8080', '127.0.0.1', '127.0.0.1:', '127.0.0.1:65536', '::1:80', 'http://a:80', 'a b:80', 'a:-1'])('%j is neither', (text) => {
  expect(hostPortFrom(text)).toBeUndefined();
});

it('writes an IPv6 address in brackets', () => {
  expect(hostPortText({ host: '::1', port: 80 })).toBe('[::1]:80');
});
