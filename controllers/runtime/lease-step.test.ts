import { describe, expect, it } from 'vitest';
import { initialLease, type LeaseCommand, type LeaseEvent, type LeaseRecord, type LeaseState, leads, leaseStep } from './lease-step.ts';

const times = { durationMs: 15_000, renewMs: 10_000, retryMs: 2000 };

const record = (version: string, holder: string, transitions = 0): LeaseRecord => ({ version, holder, durationMs: 15_000, transitions });

/** Events with the moment each comes; the state and the commands after all of them. */
const run = (...events: readonly (readonly [number, LeaseEvent])[]): { state: LeaseState; commands: readonly LeaseCommand[] } => {
  let state = initialLease('me', times);
  const commands = events.map(([nowMs, event]) => {
    const [next, command] = leaseStep(state, event, nowMs);
    state = next;
    return command;
  });
  return { state, commands };
};

const last = (...events: readonly (readonly [number, LeaseEvent])[]): LeaseCommand | undefined => run(...events).commands.at(-1);

const due: LeaseEvent = { kind: 'due' };
const read = (standing: LeaseRecord | undefined): LeaseEvent => ({ kind: 'read', record: standing });
const wrote = (sentMs: number, written: LeaseRecord): LeaseEvent => ({ kind: 'wrote', sentMs, record: written });

describe('leaseStep', () => {
  it('looks before it writes', () => {
    expect(last([0, due])).toEqual({ do: 'read' });
  });

  it('creates the Lease where there is none', () => {
    expect(last([0, due], [1, read(undefined)])).toEqual({
      do: 'write',
      takes: true,
      over: undefined,
      record: { holder: 'me', durationMs: 15_000, transitions: 0 },
    });
  });

  it('takes a Lease that was given back at once, and counts the transition', () => {
    const free = record('7', '', 3);
    expect(last([0, due], [1, read(free)])).toMatchObject({
      do: 'write',
      takes: true,
      over: free,
      record: { holder: 'me', transitions: 4 },
    });
  });

  it('does not take a Lease of somebody else, however old, before it has watched it for its whole duration', () => {
    const other = record('7', 'other');
    expect(last([0, read(other)])).toEqual({ do: 'wait', ms: 2000 });
    expect(last([0, read(other)], [14_999, read(other)])).toEqual({ do: 'wait', ms: 2000 });
    expect(last([0, read(other)], [15_000, read(other)])).toMatchObject({ do: 'write', takes: true, over: other });
  });

  it('waits anew whenever the Lease changes', () => {
    expect(last([0, read(record('7', 'other'))], [14_000, read(record('8', 'other'))], [16_000, read(record('8', 'other'))])).toEqual({
      do: 'wait',
      ms: 2000,
    });
  });

  it('waits as long as the holder asks for, not as long as it would itself', () => {
    const patient = { ...record('7', 'other'), durationMs: 60_000 };
    expect(last([0, read(patient)], [59_000, read(patient)])).toEqual({ do: 'wait', ms: 2000 });
    expect(last([0, read(patient)], [60_000, read(patient)])).toMatchObject({ do: 'write' });
  });

  it('does not take the place of a holder whose Lease was deleted before that holder must have noticed', () => {
    expect(last([0, read(record('7', 'other'))], [2000, read(undefined)])).toEqual({ do: 'wait', ms: 2000 });
    expect(last([0, read(record('7', 'other'))], [15_000, read(undefined)])).toMatchObject({ do: 'write', over: undefined });
  });

  it('leads from the moment it sent the write that was accepted, for the renew deadline', () => {
    const { state } = run([0, read(undefined)], [3000, wrote(1000, record('1', 'me'))]);
    expect([leads(state, 3000), leads(state, 10_999), leads(state, 11_000)]).toEqual([true, true, false]);
  });

  it('does not lead by an answer that comes after the deadline', () => {
    const { state } = run([0, read(undefined)], [12_000, wrote(1000, record('1', 'me'))]);
    expect(leads(state, 12_000)).toBe(false);
  });

  it('renews without looking, over the version it wrote last', () => {
    const mine = record('1', 'me', 5);
    expect(last([0, read(undefined)], [1, wrote(0, mine)], [2000, due])).toEqual({
      do: 'write',
      takes: false,
      over: mine,
      record: { holder: 'me', durationMs: 15_000, transitions: 5 },
    });
  });

  it('keeps leading through failures until the deadline, and leads again once it can renew', () => {
    const before = run([0, read(undefined)], [1, wrote(0, record('1', 'me'))], [2000, due], [7000, { kind: 'failed' }]);
    expect([leads(before.state, 9999), leads(before.state, 10_000)]).toEqual([true, false]);
    const after = run([0, read(undefined)], [1, wrote(0, record('1', 'me'))], [12_000, due], [12_010, wrote(12_000, record('2', 'me'))]);
    expect(leads(after.state, 12_010)).toBe(true);
  });

  it('looks at once when a renewal meets another write, and stops leading the moment it sees another holder', () => {
    const conflict = run([0, read(undefined)], [1, wrote(0, record('1', 'me'))], [2000, due], [2001, { kind: 'conflict' }]);
    expect(conflict.commands.at(-1)).toEqual({ do: 'read' });
    const [state, command] = leaseStep(conflict.state, read(record('2', 'other')), 2002);
    expect([leads(state, 2002), command]).toEqual([false, { do: 'wait', ms: 2000 }]);
  });

  it('does not lead by reading its own name, only by renewing', () => {
    const { state, commands } = run([0, read(record('5', 'me'))]);
    expect(leads(state, 0)).toBe(false);
    expect(commands.at(-1)).toMatchObject({ do: 'write', over: { version: '5' } });
  });

  it('waits for the next turn when somebody else was faster', () => {
    expect(last([0, read(undefined)], [1, { kind: 'conflict' }])).toEqual({ do: 'wait', ms: 2000 });
  });

  it('creates the Lease again when its own is deleted', () => {
    const events = [
      [0, read(undefined)],
      [1, wrote(0, record('1', 'me', 2))],
      [2, due],
      [3, { kind: 'conflict' }],
    ] as const;
    expect(last(...events, [4, read(undefined)])).toMatchObject({ do: 'write', over: undefined, record: { holder: 'me', transitions: 2 } });
  });

  it('gives the Lease back when it stops, and leads no more from then on', () => {
    const mine = record('1', 'me', 5);
    const { state, commands } = run([0, read(undefined)], [1, wrote(0, mine)], [2, { kind: 'stop' }]);
    expect(leads(state, 2)).toBe(false);
    expect(commands.at(-1)).toMatchObject({ do: 'write', over: mine, record: { holder: '', transitions: 5 } });
    expect(leaseStep(state, wrote(2, record('2', '', 5)), 3)[1]).toEqual({ do: 'end' });
  });

  it('gives back what it may have taken unawares, after a look', () => {
    const mine = record('1', 'me');
    const events = [
      [0, read(undefined)],
      [1, wrote(0, mine)],
      [2, { kind: 'stop' }],
      [3, { kind: 'conflict' }],
    ] as const;
    expect(last(...events)).toEqual({ do: 'read' });
    expect(last(...events, [4, read(record('2', 'me'))])).toMatchObject({ do: 'write', record: { holder: '' } });
    expect(last(...events, [4, read(record('2', 'other'))])).toEqual({ do: 'end' });
    expect(last(...events, [4, read(undefined)])).toEqual({ do: 'end' });
  });

  it('ends at once when it stops without the Lease, or cannot reach the API server', () => {
    expect(last([0, read(record('7', 'other'))], [1, { kind: 'stop' }])).toEqual({ do: 'end' });
    expect(last([0, read(undefined)], [1, wrote(0, record('1', 'me'))], [2, { kind: 'stop' }], [3, { kind: 'failed' }])).toEqual({
      do: 'end',
    });
  });
});
