import { describe, expect, it } from 'vitest';
import type { Redirect } from '../../src/model/graph.ts';
import { carriesStalePort, type Front, redirectFrom, redirectToSaidPort } from './redirect.ts';

const any = { type: 'prefix', value: '/' } as const;
const plain: Front = { scheme: 'http', port: 80 };
const portIn = (redirect: Partial<Redirect>, front: Front) => redirectFrom(any, { statusCode: 302, ...redirect }, front).portRedirect;

describe('the port of a redirect', () => {
  // Gateway API v1, HTTPRequestRedirectFilter.port
  it.each<[string, Partial<Redirect>, Front, number | undefined]>([
    ['the one written', { port: 8443 }, plain, 8443],
    ['not said when it is the well-known one of the scheme written', { scheme: 'https' }, { scheme: 'http', port: 8080 }, undefined],
    ['not said when it is written and well known', { scheme: 'https', port: 443 }, plain, undefined],
    ['said when it is well known for another scheme', { scheme: 'https', port: 80 }, plain, 80],
    ["the listener's without a scheme", {}, { scheme: 'http', port: 8080 }, 8080],
    ['not said when the listener has the well-known one', {}, { scheme: 'https', port: 443 }, undefined],
  ])('is %s', (_, redirect, front, port) => {
    expect(portIn(redirect, front)).toBe(port);
  });

  it('replaces a port that the request brought along for the scheme it leaves', () => {
    const redirect: Redirect = { scheme: 'https', statusCode: 301 };
    expect(carriesStalePort(redirect, plain)).toBeDefined();
    expect(redirectToSaidPort(any, redirect, plain).portRedirect).toBe(443);
  });

  it.each<[string, Partial<Redirect>]>([
    ['the scheme stays', {}],
    ['the host is written', { scheme: 'https', hostname: 'a.example' }],
    ['the port is said anyway', { scheme: 'https', port: 8443 }],
  ])('needs no such replacement where %s', (_, redirect) => {
    expect(carriesStalePort({ statusCode: 302, ...redirect }, plain)).toBeUndefined();
  });
});
