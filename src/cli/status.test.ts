import { describe, expect, it } from 'vitest';
import type { StatusReport } from '../ops/status-report.ts';
import { agoText } from './ago.ts';
import { reportText } from './status.ts';

const now = Date.parse('2026-01-01T00:05:30Z');
const none: StatusReport = { sources: [], problems: [], objects: [], tailnets: [], proxies: [], services: [], envoys: [] };

describe('status as people read it', () => {
  it('says that nothing is configured', () => {
    expect(reportText(none, now)).toBe('nothing is configured\n');
  });

  it('has services of tailnets, and why peers do not reach them', () => {
    const web = { name: 'svc:web', tailnet: 'prod', owner: 'TailscaleGateway/default/share', ports: ['tcp:80', 'tcp:443'] } as const;
    const services = [
      { ...web, addresses: ['100.100.0.1'], consumers: ['east', 'west'] },
      { ...web, name: 'svc:api', addresses: [], consumers: [], trouble: 'Pending: svc:api is not on tailnet "prod" yet' },
    ];
    expect(reportText({ ...none, services }, now).split('\n')).toEqual([
      'SERVICE  TAILNET  OWNER                           PORTS           ADDRESSES    USED BY    TROUBLE',
      'svc:web  prod     TailscaleGateway/default/share  tcp:80 tcp:443  100.100.0.1  east west',
      'svc:api  prod     TailscaleGateway/default/share  tcp:80 tcp:443                          Pending: svc:api is not on tailnet "prod" yet',
      '',
    ]);
  });

  it('has tailnets and their proxies', () => {
    const text = reportText(
      {
        ...none,
        tailnets: [
          { name: 'lab', asked: true, trouble: { kind: 'credentials', message: 'refused: make new ones', since: '2025-12-31T21:00:00Z' } },
          {
            name: 'prod',
            asked: true,
            domain: 'tail1.ts.net',
            devices: { total: 12, connected: 9 },
            lastSync: '2026-01-01T00:01:00Z',
          },
          { name: 'unasked', asked: false },
        ],
        proxies: [
          {
            namespace: 'default',
            name: 'a-egress',
            owner: 'TailscaleEndpoints/default/a',
            tailnet: 'prod',
            direction: 'egress',
            mode: 'connect',
            desired: 2,
            ready: 1,
            devices: [
              { pod: 'a-egress-0', ready: true, joined: true },
              { pod: 'a-egress-1', ready: false, joined: false },
            ],
          },
          { namespace: 'default', name: 'b', desired: 1, ready: 0, devices: [], trouble: 'the StatefulSet is not there yet' },
        ],
      },
      now,
    );
    expect(text.split('\n')).toEqual([
      'TAILNET  DOMAIN        CONNECTED  LAST SYNC  TROUBLE',
      'lab                               never      3 h ago: refused: make new ones',
      'prod     tail1.ts.net  9 of 12    4 min ago',
      'unasked                           not asked',
      '',
      'PROXIES   NAMESPACE  TAILNET  MODE            READY   DEVICES  TROUBLE',
      'a-egress  default    prod     egress connect  1 of 2  1 of 2',
      'b         default                             0 of 1  0 of 1   the StatefulSet is not there yet',
      '',
    ]);
  });
});

describe('how long ago', () => {
  it.each([
    ['2026-01-01T00:05:31Z', '0 s ago'],
    ['2026-01-01T00:04:31Z', '59 s ago'],
    ['2026-01-01T00:04:30Z', '1 min ago'],
    ['2025-12-30T00:00:00Z', '2 d ago'],
  ])('%s was, in the largest whole unit', (moment, text) => {
    expect(agoText(moment, now)).toBe(text);
  });
});
