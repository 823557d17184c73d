import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../src/kubernetes/kube-object.ts';
import { authorityFrom, defaultTimes, firstAuthority } from './authority.ts';
import { decide } from './decide.ts';
import { newCa } from './issue.ts';
import { caSecretFrom, dataOf, isOurs } from './secret.ts';

const day = 24 * 3_600_000;
const start = Date.parse('2030-02-03T04:05:06Z');
const authority = firstAuthority(newCa(start, defaultTimes.lifetimeMs), '', start);
const secret: KubeObject = { ...caSecretFrom(authority, 'system'), data: caSecretFrom(authority, 'system')['data'] };
const decided = (observed: KubeObject | undefined, now = start) =>
  decide(observed, now, defaultTimes, () => newCa(now, defaultTimes.lifetimeMs));

describe('the Secret of the CA', () => {
  it('is made where there is none', () => {
    expect(decided(undefined)).toMatchObject({ do: 'write', current: undefined, because: 'there is no CA of xDS yet' });
  });

  it('is used as it is while no step is due', () => {
    expect(decided(secret)).toEqual({ do: 'use', current: authority, until: start + (365 * day * 2) / 3 });
  });

  it('is used while its next step is written', () => {
    expect(decided(secret, start + 300 * day)).toMatchObject({ do: 'write', current: authority, because: 'the CA gets a successor' });
  });

  it('is not used once its CA has expired', () => {
    expect(decided(secret, start + 400 * day)).toMatchObject({
      do: 'write',
      current: undefined,
      because: 'the CA has expired without a successor',
    });
  });

  it('is replaced when it is ours and cannot be read', () => {
    for (const data of [undefined, 'text', { 'tls.crt': 7 }, { 'tls.crt': 'AAAA', 'tls.key': '####' }])
      expect(decided({ ...secret, data })).toMatchObject({ do: 'write', current: undefined, because: 'tls.crt or tls.key cannot be read' });
  });

  it.each([undefined, {}, { 'app.kubernetes.io/managed-by': 'helm' }])(
    'is left alone when its labels are %j, readable or not',
    (labels) => {
      const metadata = { name: 'tailplane-xds-ca', ...(labels === undefined ? {} : { labels }) };
      for (const data of [secret['data'], {}]) expect(decided({ ...secret, metadata, data })).toMatchObject({ do: 'report' });
    },
  );

  it('keeps what others wrote on it when it is written again', () => {
    const observed = {
      ...secret,
      metadata: {
        ...secret.metadata,
        resourceVersion: '7',
        annotations: { kept: 'yes' },
        labels: { ...secret.metadata.labels, kept: 'yes' },
      },
    };
    const written = caSecretFrom(authority, 'system', observed);
    expect(written).toEqual(observed);
    expect(isOurs(written)).toBe(true);
    expect(authorityFrom(dataOf(written))).toEqual({ ok: true, value: authority });
  });
});
