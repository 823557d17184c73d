import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { envoy } from '../support/envoy.ts';
import { ask, type Backend, startBackend, startLoad } from '../support/http.ts';
import { freePort } from '../support/ports.ts';
import { edge, eventually, route, service, startWorld, type World } from '../support/world.ts';

const to = (name: string): string =>
  route('HTTPRoute', 'shop', `hostnames: [shop.example], rules: [{ backendRefs: [{ name: ${name}, port: 80 }] }]`);
const host = { host: 'shop.example' };

describe.skipIf(envoy === undefined).each(['GRPC', 'DELTA_GRPC'] as const)('editing files while Envoy serves, %s', (apiType) => {
  let port: number;
  let one: Backend;
  let two: Backend;
  let world: World;
  beforeAll(async () => {
    [port, one, two] = [await freePort(), await startBackend('one'), await startBackend('two')];
    const backends = service('one', [one.port]) + service('two', [two.port]);
    world = await startWorld(
      { 'gateway.yaml': edge(`name: http, protocol: HTTP, port: ${port}`), 'backends.yaml': backends, 'routes.yaml': to('one') },
      apiType,
    );
  });
  afterAll(async () => {
    await world.stop();
    for (const backend of [one, two]) backend.close();
  });

  it('sends traffic where the route says, and elsewhere after an edit, without a failed request', async () => {
    expect((await ask(port, '/a', host)).body).toBe('one GET /a');
    const load = startLoad(port, host, ({ status }) => status === 200);
    await world.write('routes.yaml', to('two'));
    await eventually(
      () => ask(port, '/', host),
      ({ body }) => body.startsWith('two'),
    );
    await world.write('routes.yaml', to('one'));
    await eventually(
      () => ask(port, '/', host),
      ({ body }) => body.startsWith('one'),
    );
    const { requests, failures } = await load.stop();
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(10);
  });

  it('tells where a file is broken, keeps traffic as it was, and follows the repair', async () => {
    const load = startLoad(port, host, ({ status }) => status === 200);
    await world.write('routes.yaml', to('one').replace('rules:', 'rulez:'));
    const { problems } = await eventually(world.status, (status) => status.problems.length > 0);
    expect(problems).toMatchObject([{ severity: 'error', file: expect.stringMatching(/routes\.yaml$/) as string, line: 6 }]);
    expect((await ask(port, '/', host)).body).toBe('one GET /');
    await world.write('routes.yaml', to('two'));
    await eventually(
      () => ask(port, '/', host),
      ({ body }) => body.startsWith('two'),
    );
    expect((await world.status()).problems).toEqual([]);
    expect((await load.stop()).failures).toEqual([]);
  });

  it('answers 500 for a reference that dangles, says so on the route, and leaves other routes alone', async () => {
    await world.write(
      'other.yaml',
      route('HTTPRoute', 'other', 'hostnames: [other.example], rules: [{ backendRefs: [{ name: one, port: 80 }] }]'),
    );
    await world.write('routes.yaml', to('nowhere'));
    await eventually(
      () => ask(port, '/', host),
      ({ status }) => status === 500,
    );
    expect((await ask(port, '/', { host: 'other.example' })).body).toBe('one GET /');
    const { objects } = await world.status();
    expect(objects.find(({ name }) => name === 'shop')?.conditions).toContainEqual(
      expect.objectContaining({ type: 'ResolvedRefs', status: 'False', reason: 'BackendNotFound', trouble: true }),
    );
    await world.write('routes.yaml', to('one'));
    await eventually(
      () => ask(port, '/', host),
      ({ status }) => status === 200,
    );
  });

  it('follows endpoints without touching routes', async () => {
    const before = await world.envoy.admin('/stats?filter=rds.*config_reload$');
    await world.write('backends.yaml', service('one', [two.port]) + service('two', [one.port]));
    await eventually(
      () => ask(port, '/', host),
      ({ body }) => body.startsWith('two'),
    );
    expect(await world.envoy.admin('/stats?filter=rds.*config_reload$')).toBe(before);
  });

  it('takes a deleted route away, and listeners with their Gateway', async () => {
    await world.remove('routes.yaml');
    await eventually(
      () => ask(port, '/', host),
      ({ status }) => status === 404,
    );
    await world.remove('gateway.yaml');
    await eventually(
      () =>
        ask(port, '/', host).then(
          () => 'answered',
          (error: NodeJS.ErrnoException) => error.code,
        ),
      (said) => said === 'ECONNREFUSED',
    );
    expect((await world.envoy.admin('/ready')).trim()).toBe('LIVE');
  });
});
