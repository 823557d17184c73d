import type { AdsStats } from './events.ts';
import type { Response } from './state.ts';

/** Type URLs come from clients, so only so many get a line of their own. */
const typesAtMost = 64;

/** Counters behind the metrics. */
export class Stats implements AdsStats {
  readonly streams = { sotw: 0, delta: 0 };
  requests = 0;
  malformed = 0;
  denied = 0;
  refused = 0;
  readonly byType = new Map<string, { responses: number; bytes: number; resources: number; acks: number; nacks: number }>();

  of(typeUrl: string): { responses: number; bytes: number; resources: number; acks: number; nacks: number } {
    const name = this.byType.has(typeUrl) || this.byType.size < typesAtMost ? typeUrl : 'other';
    let counts = this.byType.get(name);
    if (counts === undefined) this.byType.set(name, (counts = { responses: 0, bytes: 0, resources: 0, acks: 0, nacks: 0 }));
    return counts;
  }

  sent({ typeUrl, resources }: Response, bytes: number): void {
    const counts = this.of(typeUrl);
    counts.responses++;
    counts.bytes += bytes;
    counts.resources += resources.length;
  }
}
