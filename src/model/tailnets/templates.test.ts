import { describe, expect, it } from 'vitest';
import type { ObjectMeta } from '../../api/core.ts';
import type { AnyObject } from '../../api/kinds.ts';
import { objectsIn, objectsOf } from '../../../test/support/gateway-api.ts';
import { isAutoProvisioned, type Templates, templatesBuilder, withWanted } from './templates.ts';

const templatesFor = (...objects: readonly AnyObject[]): Templates => templatesBuilder()(objectsOf(objects));

/** `known`: what only a cluster gives. */
const services = (name: string, spec: string, known: Partial<ObjectMeta> = {}): AnyObject => {
  const [object] = objectsIn(`
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleServices
metadata: { name: ${name}, namespace: apps }
spec: ${spec}
`);
  return { ...object, metadata: { ...object?.metadata, ...known } } as AnyObject;
};

const endpoints = (name: string, labels: string, annotations = '{}', namespace = 'apps'): AnyObject =>
  objectsIn(`
apiVersion: gateway.tailscale.com/v1alpha1
kind: TailscaleEndpoints
metadata: { name: ${name}, namespace: ${namespace}, labels: ${labels}, annotations: ${annotations} }
spec: { tailnet: corp, endpoints: [{ name: one, tailscaleIP: 100.64.0.1, port: 80 }] }
`)[0] as AnyObject;

const ours = "{ tailscale-gateway.com/auto-provisioned: 'true' }";
const template = 'endpointTemplate: { tailnet: corp, proxy: { replicas: 2 } }';

describe('a template', () => {
  it('asks for TailscaleEndpoints that the selector selects, when it selects none', () => {
    const { wanted, problems } = templatesFor(services('web', `{ selector: { matchLabels: { app: web } }, ${template} }`, { uid: 'u-1' }));
    expect([...wanted.keys()]).toEqual(['apps/web']);
    const made = wanted.get('apps/web');
    expect(made).toMatchObject({
      metadata: {
        name: 'web',
        namespace: 'apps',
        labels: { app: 'web' },
        ownerReferences: [{ apiVersion: 'gateway.tailscale.com/v1alpha1', kind: 'TailscaleServices', name: 'web', uid: 'u-1' }],
      },
      spec: { tailnet: 'corp', proxy: { replicas: 2, connectionType: 'egress', mode: 'connect' } },
    });
    expect(made && isAutoProvisioned(made)).toBe(true);
    expect(problems.size).toBe(0);
  });

  it('asks for none when the selector finds some, in its own namespace', () => {
    const web = services('web', `{ selector: { matchLabels: { app: web } }, ${template} }`);
    expect(templatesFor(web, endpoints('hand-made', '{ app: web }')).wanted.size).toBe(0);
    expect(templatesFor(web, endpoints('hand-made', '{ app: web }', '{}', 'other')).wanted.size).toBe(1);
  });

  it('asks for what it asked for as long as it is there', () => {
    const web = services('web', `{ selector: { matchLabels: { app: web } }, ${template} }`);
    const { wanted, unwanted } = templatesFor(web, endpoints('web', '{ app: web }', ours));
    expect(wanted.get('apps/web')?.spec).toMatchObject({ proxy: { replicas: 2 } });
    expect(unwanted).toEqual([]);
  });

  it('fills in the labels that expressions want, and leaves those it names itself', () => {
    const selector =
      '{ matchLabels: { app: web }, matchExpressions: [{ key: tier, operator: In, values: [front, back] }, { key: owner, operator: Exists }] }';
    const made = (labels: string) =>
      templatesFor(services('web', `{ selector: ${selector}, endpointTemplate: { tailnet: corp, labels: ${labels} } }`)).wanted.get(
        'apps/web',
      )?.metadata.labels;
    expect(made('{}')).toEqual({ app: 'web', tier: 'front', owner: 'true' });
    expect(made('{ tier: back, owner: me, more: x }')).toEqual({ app: 'web', tier: 'back', owner: 'me', more: 'x' });
  });

  it.each([
    ['labels that contradict the selector', '{ matchLabels: { app: web } }', '{ app: other }'],
    ['an expression that its labels fail', '{ matchExpressions: [{ key: app, operator: DoesNotExist }] }', '{ app: web }'],
    [
      'expressions that nothing meets',
      '{ matchLabels: { app: web }, matchExpressions: [{ key: app, operator: NotIn, values: [web] }] }',
      '{}',
    ],
  ])('with %s makes nothing, and says so', (_, selector, labels) => {
    const { wanted, problems } = templatesFor(
      services('web', `{ selector: ${selector}, endpointTemplate: { tailnet: corp, labels: ${labels} } }`),
    );
    expect(wanted.size).toBe(0);
    expect(problems.get('apps/web')).toMatchObject({ reason: 'TemplateDoesNotMatch' });
  });

  it('leaves alone what has its name already and nobody provisioned', () => {
    const { wanted, problems } = templatesFor(
      services('web', `{ selector: { matchLabels: { app: web } }, ${template} }`),
      endpoints('web', '{ app: other }'),
    );
    expect(wanted.size).toBe(0);
    expect(problems.get('apps/web')).toMatchObject({ reason: 'TemplateNameTaken' });
  });

  it('makes one for two that would select it', () => {
    const { wanted } = templatesFor(
      services('b', `{ selector: { matchLabels: { app: web } }, ${template} }`, { creationTimestamp: '2026-01-01T00:00:00Z', uid: 'u-b' }),
      services('a', `{ selector: { matchLabels: { app: web } }, ${template} }`, { creationTimestamp: '2026-02-01T00:00:00Z', uid: 'u-a' }),
    );
    expect([...wanted.keys()]).toEqual(['apps/b']);
  });
});

describe('what was provisioned', () => {
  const other = services('other', '{ selector: { matchLabels: { app: web } } }', { uid: 'u-2' });

  it('is unwanted when nobody in the namespace selects it', () => {
    const elsewhere = endpoints('web', '{ app: web }', ours, 'elsewhere');
    expect(templatesFor(other, elsewhere)).toMatchObject({ unwanted: ['elsewhere/web'] });
    expect(templatesFor(other, elsewhere).wanted.size).toBe(0);
  });

  it('stays while anybody selects it, and is theirs then', () => {
    const { wanted, unwanted } = templatesFor(other, endpoints('web', '{ app: web }', ours));
    expect(unwanted).toEqual([]);
    expect(wanted.get('apps/web')?.metadata.ownerReferences).toMatchObject([{ name: 'other', uid: 'u-2' }]);
    expect(wanted.get('apps/web')?.spec.endpoints).toHaveLength(1);
  });

  it('is owned by all that select it, so that it goes with the last', () => {
    const web = services('web', `{ selector: { matchLabels: { app: web } }, ${template} }`, { uid: 'u-1' });
    const { wanted } = templatesFor(web, other, endpoints('web', '{ app: web }', ours));
    expect(wanted.get('apps/web')?.metadata.ownerReferences?.map(({ name }) => name)).toEqual(['other', 'web']);
  });

  it('is not kept by those that are going', () => {
    const going = services('going', '{ selector: {} }', { deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect(templatesFor(going, endpoints('web', '{ app: web }', ours)).unwanted).toEqual(['apps/web']);
  });

  it('is never what nobody marked', () => {
    expect(templatesFor(endpoints('web', '{ app: web }'))).toMatchObject({ unwanted: [] });
  });

  it('is asked away once: what is going already is left to go', () => {
    const [going] = [endpoints('web', '{ app: web }', ours)].map((object) => ({
      ...object,
      metadata: { ...object.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
    }));
    expect(templatesFor(going as AnyObject).unwanted).toEqual([]);
  });
});

it('is the same object while it says the same', () => {
  const build = templatesBuilder();
  const web = services('web', `{ selector: { matchLabels: { app: web } }, ${template} }`);
  const first = build(objectsOf([web]));
  expect(build(objectsOf([web, endpoints('unrelated', '{ app: x }')]))).toBe(first);
});

it('takes the wanted ones as there where no cluster makes them', () => {
  const web = services('web', `{ selector: { matchLabels: { app: web } }, ${template} }`);
  const there = objectsOf([endpoints('more', '{ app: x }')]).TailscaleEndpoints;
  expect([...withWanted(there, templatesFor(web)).keys()]).toEqual(['apps/more', 'apps/web']);
  expect(withWanted(there, { wanted: new Map(), unwanted: [] })).toBe(there);
});
