import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, expectTypeOf, it } from 'vitest';
import type { GatewayParameters } from '../../src/api/generated/tailscale.ts';
import type { ProxyParameters } from '../../src/model/infrastructure.ts';

it('types and schemas in src/api are those of crds/', () => {
  expect(() => execFileSync(process.execPath, [join(import.meta.dirname, 'generate.ts'), '--check'], { stdio: 'pipe' })).not.toThrow();
});

it('GatewayParameters hold what a Gateway can want of its proxies, and nothing else', () => {
  expectTypeOf<GatewayParameters['spec']>().toExtend<ProxyParameters>();
  expectTypeOf<ProxyParameters>().toExtend<GatewayParameters['spec']>();
});
