import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { type Action, appliedAnnotation, plan } from './plan.ts';

const configMap = (name: string, data: Readonly<Record<string, unknown>> = {}, metadata: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', ...metadata },
  data,
});

/** What stands after an apply, as far as planning looks at it. */
const applied = (object: KubeObject): KubeObject => {
  const [action] = plan([object], []);
  if (action === undefined) throw new Error('unreachable: nothing planned for what does not exist');
  const { apiVersion: _, kind: __, metadata, ...rest } = action.object;
  const { name: ___, namespace: ____, ...described } = metadata;
  const managed = { manager: 'tailplane', operation: 'Apply', fieldsV1: fieldsOf({ ...rest, metadata: described }) };
  return { ...action.object, metadata: { ...metadata, uid: `uid-${metadata.name}`, managedFields: [managed] } };
};

const fieldsOf = (value: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value).map(([name, below]) => [`f:${name}`, typeof below === 'object' && below !== null ? fieldsOf(below) : {}]),
  );

const texts = (actions: readonly Action[]): readonly string[] => actions.map(({ do: what, object }) => `${what} ${object.metadata.name}`);

describe('plan', () => {
  it('applies in the order of what is desired, then deletes in the reverse order of what is observed', () => {
    const observed = [configMap('x'), configMap('y')];
    expect(texts(plan([configMap('b'), configMap('a')], observed))).toEqual(['apply b', 'apply a', 'delete y', 'delete x']);
  });

  it('has nothing to do when everything stands as it was applied', () => {
    const objects = [configMap('a', { one: '1' }), configMap('b')];
    expect(plan(objects, objects.map(applied))).toEqual([]);
  });

  it('takes fields that are null or undefined, and the order of fields, for no difference', () => {
    const standing = applied(configMap('a', { one: '1', two: '2' }));
    expect(plan([configMap('a', { two: '2', none: undefined, nothing: null, one: '1' })], [standing])).toEqual([]);
  });

  it('applies again when something else is desired, also when that is only less', () => {
    const standing = applied(configMap('a', { one: '1', two: '2' }));
    expect(plan([configMap('a', { one: '1' })], [standing])).toMatchObject([{ do: 'apply', standing }]);
  });

  it('applies again when a field of ours was changed or removed by somebody else', () => {
    const standing = applied(configMap('a', { one: '1', two: '2' }));
    const [ours] = standing.metadata.managedFields ?? [];
    const fieldsV1 = { ...ours?.fieldsV1, 'f:data': { 'f:one': {} } };
    const edited = { ...standing, metadata: { ...standing.metadata, managedFields: [{ ...ours, fieldsV1 }] } };
    expect(texts(plan([configMap('a', { one: '1', two: '2' })], [edited]))).toEqual(['apply a']);
  });

  it('applies over what another writer made of the same name', () => {
    expect(texts(plan([configMap('a')], [configMap('a')]))).toEqual(['apply a']);
  });

  it('leaves alone what is being deleted, wanted or not', () => {
    const going = { deletionTimestamp: '2026-01-01T00:00:00Z' };
    expect(plan([configMap('a')], [configMap('a', {}, going), configMap('b', {}, going)])).toEqual([]);
  });

  it('marks what it applies with a fingerprint of its content', () => {
    const fingerprints = [configMap('a', { x: '1' }), configMap('a', { x: '2' }), configMap('a', { x: '1' })]
      .flatMap((object) => plan([object], []))
      .map(({ object }) => object.metadata.annotations?.[appliedAnnotation]);
    expect(fingerprints[0]).toBe(fingerprints[2]);
    expect(fingerprints[0]).not.toBe(fingerprints[1]);
  });

  it('is empty once it was carried out, whatever was there before', () => {
    const objects = fc.uniqueArray(
      fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), data: fc.dictionary(fc.constantFrom('x', 'y'), fc.string()) }),
      { selector: ({ name }) => name },
    );
    fc.assert(
      fc.property(objects, objects, (before, after) => {
        const desired = after.map(({ name, data }) => configMap(name, data));
        const standing = new Map<string, KubeObject>(before.map(({ name, data }) => [name, applied(configMap(name, data))]));
        for (const { do: what, object } of plan(desired, [...standing.values()])) {
          const { name } = object.metadata;
          const wanted = desired.find(({ metadata }) => metadata.name === name);
          if (what === 'delete' || wanted === undefined) standing.delete(name);
          else standing.set(name, applied(wanted));
        }
        expect(new Set(standing.keys())).toEqual(new Set(after.map(({ name }) => name)));
        expect(plan(desired, [...standing.values()])).toEqual([]);
      }),
    );
  });
});
