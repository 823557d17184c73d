import { describe, expect, it } from 'vitest';
import { envoy, validateWithEnvoy } from '../test/support/envoy.ts';
import { bootstrapFor, type BootstrapOptions } from './bootstrap.ts';
import { selfSigned } from '../test/support/certificates.ts';

const options: BootstrapOptions = {
  gateway: { namespace: 'infra', name: 'edge' },
  nodeId: 'edge-0',
  xds: { host: '127.0.0.1', port: 18000 },
  apiType: 'DELTA_GRPC',
  admin: { host: '127.0.0.1', port: 0 },
};

const discoveryFor = (host: string) => bootstrapFor({ ...options, xds: { host, port: 1 } }).staticResources?.clusters?.[0]?.type;

describe('bootstrapFor', () => {
  it('names the Gateway in node.cluster and the Envoy in node.id', () => {
    expect(bootstrapFor(options).node).toEqual({ id: 'edge-0', cluster: 'infra/edge' });
  });

  it('resolves a host name again and again, and an address never', () => {
    expect(['tailplane.infra.svc', '10.0.0.1', '::1'].map(discoveryFor)).toEqual(['STRICT_DNS', 'STATIC', 'STATIC']);
  });

  describe.skipIf(envoy === undefined)('real Envoy', () => {
    it.each(['GRPC', 'DELTA_GRPC'] as const)('accepts it with %s', async (apiType) => {
      expect(await validateWithEnvoy(JSON.stringify(bootstrapFor({ ...options, apiType })))).toBeUndefined();
    });

    it.each(['tailplane.infra.svc', '127.0.0.1', '::1'])('accepts it with mutual TLS to %s', async (host) => {
      const { certFile, keyFile, remove } = await selfSigned('tailplane.infra.svc');
      const tls = { ca: certFile, cert: certFile, key: keyFile };
      expect(await validateWithEnvoy(JSON.stringify(bootstrapFor({ ...options, xds: { host, port: 18000 }, tls })))).toBeUndefined();
      await remove();
    });
  });
});
