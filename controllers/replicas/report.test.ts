import { describe, expect, it } from 'vitest';
import { type GatewayReport, type Rejected, reportIn, shortened, textOf } from './report.ts';

const rejected = (name: string): Rejected => ({ type: 'Cluster', name, version: 'v', error: 'no '.repeat(50) });
const of = (connected: number, accepted = '', rejections: readonly Rejected[] = []): GatewayReport => ({ connected, accepted, rejections });

describe('a report as text', () => {
  it('says what the report says', () => {
    const report = new Map([
      ['default/edge', of(2, 'uid/3', [rejected('a'), rejected('b')])],
      ['default/idle', of(0, 'uid/1')],
      ['default/waits', of(1)],
    ]);
    expect(reportIn(textOf(report))).toEqual(report);
  });

  it('is the same for the same report, whatever its order', () => {
    const entries: [string, GatewayReport][] = [
      ['a/a', of(1)],
      ['b/b', of(0, 'x')],
      ['c/c', of(1)],
    ];
    expect(textOf(new Map(entries))).toBe(textOf(new Map(entries.toReversed())));
  });

  it('leaves out further rejections first, then all of them, then Gateways without Envoys', () => {
    const report = new Map([
      ['a/idle', of(0, 'uid/1')],
      ['b/busy', of(1, 'uid/1', [rejected('a'), rejected('b')])],
      ['c/busy', of(1, 'uid/1', [rejected('c'), rejected('d')])],
    ]);
    const shownWithin = (limit: number): unknown =>
      [...(reportIn(textOf(report, limit)) ?? [])].map(([gateway, { rejections }]) => [gateway, ...rejections.map(({ name }) => name)]);
    expect(shownWithin(700)).toEqual([['b/busy', 'a'], ['c/busy', 'c'], ['a/idle']]);
    expect(shownWithin(150)).toEqual([['b/busy'], ['c/busy'], ['a/idle']]);
    expect(shownWithin(110)).toEqual([['b/busy'], ['c/busy']]);
    expect(JSON.parse(textOf(report, 110))).toMatchObject({ omitted: 5 });
  });

  it('stays within what a ConfigMap can hold, however much there is to say', () => {
    const many = new Map(
      Array.from({ length: 10_000 }, (_, index) => [`some-namespace/gateway-${index}`, of(1, 'uid/1', [rejected('x'), rejected('y')])]),
    );
    expect(textOf(many).length).toBeLessThan(1_000_000);
  });

  it('is no report when it is not one', () => {
    expect([reportIn(''), reportIn('{}'), reportIn('[1]'), reportIn('{"gateways":{"a":null}}')]).toEqual(Array(4).fill(undefined));
  });

  it('keeps the beginning of a long error', () => {
    expect([shortened('short'), shortened('x'.repeat(1000)).length]).toEqual(['short', 300]);
  });
});
