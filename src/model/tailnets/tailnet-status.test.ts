import { expect, it } from 'vitest';
import type { TailnetState, TailnetTrouble } from '../../api/observations.ts';
import { messageOf, shown } from '../../../test/support/gateway-api.ts';
import { deviceOf, observationsOf, offline, stateOf, tailnetOf } from './fixtures.ts';
import { tailnetStatusOf } from './tailnet-status.ts';

const statusOf = (state?: TailnetState) => tailnetStatusOf(tailnetOf(), observationsOf(state === undefined ? [] : [state]));

const trouble = (kind: TailnetTrouble['kind'], more: Partial<TailnetTrouble> = {}): TailnetTrouble => ({
  kind,
  message: `it is ${kind}`,
  since: '2026-01-01T01:00:00Z',
  ...more,
});

const known = stateOf([deviceOf('a', '100.64.0.1'), offline(deviceOf('b', '100.64.0.2'))]);

it('waits for the first answer', () => {
  const { conditions, fields } = statusOf();
  expect(conditions.map(({ type }) => shown(conditions, type))).toEqual(['Unknown Pending', 'Unknown Pending']);
  expect(fields).toMatchObject({ apiStatus: 'Unknown', credentialStatus: 'Unknown', deviceCount: 0 });
});

it('tells what the tailnet is and holds', () => {
  const { conditions, fields } = statusOf(known);
  expect([shown(conditions, 'Ready'), shown(conditions, 'Authenticated')]).toEqual(['True Synced', 'True Authenticated']);
  expect(fields).toEqual({
    tailnetInfo: { name: 'tail1.ts.net', magicDNSSuffix: 'tail1.ts.net' },
    deviceCount: 2,
    connectedDevices: 1,
    lastSyncTime: '2026-01-01T00:00:00Z',
    apiStatus: 'Available',
    credentialStatus: 'Valid',
  });
});

it.each([
  ['secret', 'False SecretInvalid', 'Unknown', 'Missing'],
  ['credentials', 'False CredentialsInvalid', 'Available', 'Invalid'],
  ['scopes', 'False MissingScopes', 'Available', 'Insufficient'],
  ['unreachable', 'Unknown Unreachable', 'Unreachable', 'Unknown'],
  ['refused', 'Unknown Refused', 'Failing', 'Unknown'],
] as const)('tells %s from every other trouble', (kind, authenticated, apiStatus, credentialStatus) => {
  const { conditions, fields } = statusOf({ name: 'prod', trouble: trouble(kind) });
  expect(shown(conditions, 'Authenticated')).toBe(authenticated);
  expect(shown(conditions, 'Ready')).toBe(`False ${authenticated.split(' ')[1] ?? ''}`);
  expect(messageOf(conditions, 'Ready')).toBe(`it is ${kind}`);
  expect(fields).toMatchObject({ apiStatus, credentialStatus });
});

it('is ready on old data for a while, and says how old it is', () => {
  const { conditions, fields } = statusOf({ ...known, trouble: trouble('unreachable') });
  expect(shown(conditions, 'Ready')).toBe('True Stale');
  expect(messageOf(conditions, 'Ready')).toBe(
    'Since 2026-01-01T01:00:00Z nothing new is heard, and what was known at 2026-01-01T00:00:00Z is used: it is unreachable',
  );
  expect(fields).toMatchObject({ deviceCount: 2, lastSyncTime: '2026-01-01T00:00:00Z' });
});

it('is no longer known to be ready when that lasts', () => {
  const { conditions } = statusOf({ ...known, trouble: trouble('unreachable', { lasting: true }) });
  expect(shown(conditions, 'Ready')).toBe('Unknown Unreachable');
});

it('is called as users call it', () => {
  expect(tailnetStatusOf(tailnetOf('prod', { tailnet: 'example.com' }), observationsOf([known])).fields.tailnetInfo?.name).toBe(
    'example.com',
  );
});
