import { expect, it } from 'vitest';
import type { ExternalAuth } from '../../src/model/graph.ts';
import { externalAuthFilterFrom } from './external-auth.ts';

const auth: ExternalAuth = {
  backend: { id: 'Service/default/auth/80', key: 'Service/default/auth', port: 80, protocol: 'http1' },
  protocol: 'HTTP',
  allowedRequestHeaders: [],
  allowedResponseHeaders: [],
  maxBodyBytes: 0,
};

it.each(['HTTP', 'GRPC'] as const)('names no request headers to %s where the rule names none: Envoy refuses an empty list', (protocol) => {
  expect(externalAuthFilterFrom({ ...auth, protocol }).typedConfig).not.toHaveProperty('allowedHeaders', expect.anything());
  expect(externalAuthFilterFrom({ ...auth, protocol, allowedRequestHeaders: ['x-a'] }).typedConfig).toHaveProperty(
    'allowedHeaders.patterns',
  );
});

it('names a gRPC server as a host, not by the cluster, whose slashes cannot stand in `:authority`', () => {
  expect(externalAuthFilterFrom({ ...auth, protocol: 'GRPC' }).typedConfig).toHaveProperty(
    'grpcService.envoyGrpc.authority',
    'auth.default:80',
  );
});
