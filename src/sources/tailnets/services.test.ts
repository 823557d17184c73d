import { expect, it } from 'vitest';
import type { VipService } from '../../api/observations.ts';
import { type ListedService, servicesFrom } from './services.ts';

const none: ReadonlyMap<string, VipService> = new Map();
const web: ListedService = {
  name: 'svc:web',
  addrs: ['fd7a:115c:a1e0::1', '100.100.0.1', 'none'],
  ports: ['tcp:443'],
  tags: ['tag:b', 'tag:a'],
  annotations: { owner: 'us' },
};
const bare: ListedService = { name: 'svc:bare', addrs: undefined, ports: undefined, tags: undefined, annotations: undefined };
const before = servicesFrom([web, bare], none);

it('tells of services in our own words', () => {
  expect([...before.values()]).toEqual([
    {
      name: 'svc:web',
      addresses: ['100.100.0.1', 'fd7a:115c:a1e0::1'],
      ports: ['tcp:443'],
      tags: ['tag:a', 'tag:b'],
      annotations: { owner: 'us' },
    },
    { name: 'svc:bare', addresses: [], ports: [], tags: [], annotations: {} },
  ]);
});

it('gives the same map for the same services in any order, and the same services in another map', () => {
  expect(servicesFrom([bare, web], before)).toBe(before);
  const changed = servicesFrom([{ ...web, ports: ['tcp:80'] }, bare], before);
  expect(changed.get('svc:web')?.ports).toEqual(['tcp:80']);
  expect(changed.get('svc:bare')).toBe(before.get('svc:bare'));
  expect([...servicesFrom([bare], before).keys()]).toEqual(['svc:bare']);
});

it('finds no sense in names that nobody could have', () => {
  expect(() => servicesFrom([web, { ...bare, name: 'svc:\u0000' }], none)).toThrow('a service with the name "svc:\\u0000"');
});
