import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { configFrom, environmentName, UsageError } from './config.ts';

const dir = { configDir: '/etc/tailplane' };

const privilegedWhen = (value: string) => configFrom(dir, { TAILPLANE_PRIVILEGED_PORTS: value }).privilegedPorts;

describe('configFrom', () => {
  it('takes a flag before the environment, the environment before the file, and the file before the default', () => {
    const file = { path: 'c.yaml', content: { configDir: 'from-file', logLevel: 'error', httpAddress: '127.0.0.1:1' } };
    const environment = { TAILPLANE_CONFIG_DIR: 'from-environment', TAILPLANE_LOG_LEVEL: 'warn' };
    expect(configFrom({ configDir: 'from-flag' }, environment, file)).toEqual({
      configDir: 'from-flag',
      logLevel: 'warn',
      httpAddress: { host: '127.0.0.1', port: 1 },
      xdsAddress: { host: '127.0.0.1', port: 18000 },
      privilegedPorts: false,
      xdsKeepalive: 30_000,
      xdsKeepaliveTimeout: 10_000,
      xdsConnectionAge: Number.POSITIVE_INFINITY,
      xdsConnectionGrace: 10_000,
      kubernetes: false,
      watchNamespaces: [],
      provisioning: true,
      namespace: 'tailplane-system',
      serviceAccountName: 'tailplane',
      podName: hostname(),
      xdsTls: 'auto',
      leaseName: 'tailplane',
      leaseDuration: 15_000,
      leaseRenewDeadline: 10_000,
      leaseRetry: 2000,
      simulatorAddress: { host: '127.0.0.1', port: 8090 },
      tailnetInterval: 30_000,
      ingressProxyRanges: [],
      identityMaxAge: 7_200_000,
    });
  });

  it('takes namespaces with commas between', () => {
    expect(configFrom(dir, { TAILPLANE_WATCH_NAMESPACES: 'a,b' }).watchNamespaces).toEqual(['a', 'b']);
  });

  it('takes ranges with commas between', () => {
    const flags = { configDir: 'a', ingressProxyRanges: '192.0.2.0/24,2001:db8::/32' };
    expect(configFrom(flags, {}).ingressProxyRanges).toEqual(['192.0.2.0/24', '2001:db8::/32']);
  });

  it('reads booleans from the environment', () => {
    expect(['true', '1', 'false', '0'].map(privilegedWhen)).toEqual([true, true, false, false]);
  });

  it('lets an empty variable count as not set', () => {
    expect(configFrom(dir, { TAILPLANE_LOG_LEVEL: '' }).logLevel).toBe('info');
  });

  it.each([
    [{}, {}, undefined, '--config-dir <dir> (or TAILPLANE_CONFIG_DIR) or --kubernetes is required'],
    [{ ...dir, kubernetes: true }, {}, undefined, '--config-dir and --kubernetes do not go together'],
    [{ ...dir, xdsTlsCert: 'a.pem' }, {}, undefined, '--xds-tls-cert and --xds-tls-key come together'],
    [{ ...dir, xdsClientCa: 'a.pem' }, {}, undefined, '--xds-client-ca needs --xds-tls-cert'],
    [{ kubernetes: true, leaseRetry: '15s' }, {}, undefined, '--lease-retry must be shorter'],
    [{ kubernetes: true, leaseDuration: '15500ms' }, {}, undefined, '--lease-duration: must be whole seconds'],
    [{ kubernetes: true, xdsTls: 'maybe' }, {}, undefined, '--xds-tls: "maybe" is neither auto nor off'],
    [{ ...dir, xdsAddress: 'nowhere' }, {}, undefined, '--xds-address: "nowhere" is not HOST:PORT'],
    [dir, { TAILPLANE_LOG_LEVEL: 'loud' }, undefined, 'TAILPLANE_LOG_LEVEL: "loud" is none of trace, debug'],
    [dir, {}, { logLevel: 5 }, 'c.yaml: logLevel: 5 is none of'],
    [dir, {}, { httpAddress: 8080 }, 'c.yaml: httpAddress: 8080 is not valid'],
    [{ ...dir, xdsKeepalive: 'soon' }, {}, {}, '--xds-keepalive: "soon" is no duration like 30s or 1h30m'],
    [{ ...dir, xdsKeepalive: '0s' }, {}, {}, '--xds-keepalive: "0s" is not longer than nothing'],
    [{ ...dir, xdsConnectionAge: '1d' }, {}, {}, '--xds-connection-age: "1d" is neither never nor a duration like 30s or 1h30m'],
    [{ ...dir, clusterName: 'East' }, {}, {}, '--cluster-name: "East" is no DNS label of at most 40 characters'],
    [{ ...dir, ingressProxyRanges: '192.0.2.0/33' }, {}, {}, '--ingress-proxy-ranges: "192.0.2.0/33" is no list of CIDRs'],
    [dir, {}, { privilegedPorts: 'maybe' }, 'c.yaml: privilegedPorts: "maybe" is neither true nor false'],
    [dir, {}, { xdsAdress: 'a:1' }, 'c.yaml: unknown setting "xdsAdress"; known are configDir, kubernetes'],
    [dir, {}, ['a'], 'c.yaml: must hold settings'],
  ])('says in one line where a bad value comes from: %j %j %j', (flags, environment, content, message) => {
    const read = () => configFrom(flags, environment, content === undefined ? undefined : { path: 'c.yaml', content });
    expect(read).toThrow(UsageError);
    expect(read).toThrow(message);
  });
});

it('names variables after settings', () => {
  expect(environmentName('xdsAddress')).toBe('TAILPLANE_XDS_ADDRESS');
});
