import { describe, expect, it } from 'vitest';
import { configMapFrom, configMapName, reportsFrom } from './config-map.ts';
import { noReport, textOf } from './report.ts';

const replica = { namespace: 'tailplane-system', pod: 'tailplane-7f9c-x2x4z', podUid: 'uid-1' };
const report = new Map([['default/edge', { connected: 1, accepted: 'uid/1', rejections: [] }]]);
const said = { text: textOf(report), heartbeat: '2026-01-01T00:00:00Z', process: 'one' };

describe("a replica's ConfigMap", () => {
  it('is collected with its pod, where that is known', () => {
    expect(configMapFrom(replica, said).metadata.ownerReferences).toMatchObject([{ kind: 'Pod', uid: 'uid-1' }]);
    expect(configMapFrom({ namespace: 'x', pod: 'laptop' }, said).metadata.ownerReferences).toBe(undefined);
  });

  it('gives back the report, by pod and process', () => {
    const stored = { ...configMapFrom(replica, said), metadata: { ...configMapFrom(replica, said).metadata, resourceVersion: '7' } };
    expect(reportsFrom([stored])).toEqual(new Map([['tailplane-replica-tailplane-7f9c-x2x4z one', { report, version: '7' }]]));
  });

  it('counts as an empty report where it cannot be read, and as none where it is something else', () => {
    const unreadable = { ...configMapFrom(replica, said), data: { report: 'not json', process: 'one' } };
    expect([...reportsFrom([unreadable]).values()]).toEqual([{ report: noReport, version: '' }]);
    expect(reportsFrom([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'tailplane-replica-x' } }]).size).toBe(0);
  });

  it('has a name that an API server takes, also for machines with other names, and never the same for two', () => {
    const names = ['tailplane-0', 'My_Mac.local', 'my-mac.local', 'x'.repeat(300)].map(configMapName);
    for (const name of names) expect(name).toMatch(/^[a-z0-9][a-z0-9.-]{0,251}[a-z0-9]$/);
    expect(new Set(names).size).toBe(names.length);
    expect(names[0]).toBe('tailplane-replica-tailplane-0');
  });
});
