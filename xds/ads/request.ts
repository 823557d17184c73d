import { eachField } from '../wire/read.ts';
import { type NameSet, nameSetOf, noNames } from './names.ts';
import { RawPool } from './raw-pool.ts';
import type { DeltaRequest, SotwRequest } from './subscribe.ts';

/** The parts of envoy.config.core.v3.Node that say who asks. */
export type Node = { readonly id: string; readonly cluster: string };

/** `node` is there in the first request of a stream at least. */
export type Received<R> = { readonly node: Node | undefined; readonly request: R };

/** What the client adds as `error_detail.message` is kept up to this length, for status and logs. */
const errorAtMost = 4096;

/** Reads a DiscoveryRequest's fields at the top level only. Throws a WireError on bytes that are none. */
export const readSotwRequest = (bytes: Buffer): Received<SotwRequest> => {
  let version = '';
  let typeUrl = '';
  let nonce = '';
  let node: Node | undefined;
  let error: string | undefined;
  const names = new Region(bytes);
  eachField(bytes, (field, start, end, tagAt) => {
    if (field === 1) version = textAt(bytes, start, end);
    else if (field === 2) node = nodeAt(bytes, start, end);
    else if (field === 3) names.add(tagAt, end);
    else if (field === 4) typeUrl = textAt(bytes, start, end);
    else if (field === 5) nonce = textAt(bytes, start, end);
    else if (field === 6) error = errorAt(bytes, start, end);
  });
  const set = names.isEmpty ? noNames : nameSets.get(names.bytes());
  return { node, request: { typeUrl, names: set, version, nonce, ...(error === undefined ? {} : { error }) } };
};

/** Reads a DeltaDiscoveryRequest's fields. Throws a WireError on bytes that are none. */
export const readDeltaRequest = (bytes: Buffer): Received<DeltaRequest> => {
  let typeUrl = '';
  let nonce = '';
  let node: Node | undefined;
  let error: string | undefined;
  const [subscribe, unsubscribe, initial] = [new Region(bytes), new Region(bytes), new Region(bytes)];
  eachField(bytes, (field, start, end, tagAt) => {
    if (field === 1) node = nodeAt(bytes, start, end);
    else if (field === 2) typeUrl = textAt(bytes, start, end);
    else if (field === 3) subscribe.add(tagAt, end);
    else if (field === 4) unsubscribe.add(tagAt, end);
    else if (field === 5) initial.add(tagAt, end);
    else if (field === 6) nonce = textAt(bytes, start, end);
    else if (field === 7) error = errorAt(bytes, start, end);
  });
  const request: DeltaRequest = {
    typeUrl,
    nonce,
    subscribe: subscribe.isEmpty ? none : lists.get(subscribe.bytes()),
    unsubscribe: unsubscribe.isEmpty ? none : lists.get(unsubscribe.bytes()),
    initial: initial.isEmpty ? noVersions : versionMaps.get(initial.bytes()),
    ...(error === undefined ? {} : { error }),
  };
  return { node, request };
};

/** The bytes of a repeated field. Its elements mostly stand next to each other, and then nothing is copied. */
class Region {
  readonly #bytes: Buffer;
  readonly #parts: [start: number, end: number][] = [];

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  add(start: number, end: number): void {
    const last = this.#parts.at(-1);
    if (last?.[1] === start) last[1] = end;
    else this.#parts.push([start, end]);
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0;
  }

  bytes(): Buffer {
    const parts = this.#parts.map(([start, end]) => this.#bytes.subarray(start, end));
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }
}

const textAt = (bytes: Buffer, start: number, end: number): string => bytes.toString('utf8', start, end);

const listOf = (raw: Buffer): readonly string[] => {
  const names: string[] = [];
  eachField(raw, (_field, start, end) => names.push(textAt(raw, start, end)));
  return names;
};

const versionsOf = (raw: Buffer): ReadonlyMap<string, string> => {
  const versions = new Map<string, string>();
  eachField(raw, (_field, entryAt, entryEnd) => {
    let name = '';
    let version = '';
    eachField(
      raw,
      (field, start, end) => {
        if (field === 1) name = textAt(raw, start, end);
        else if (field === 2) version = textAt(raw, start, end);
      },
      entryAt,
      entryEnd,
    );
    versions.set(name, version);
  });
  return versions;
};

const none: readonly string[] = [];
const noVersions: ReadonlyMap<string, string> = new Map();
const lists = new RawPool(listOf);
const versionMaps = new RawPool(versionsOf);
const nameSets = new RawPool<NameSet>((raw) => nameSetOf(listOf(raw)));

const nodeAt = (bytes: Buffer, from: number, to: number): Node => {
  let id = '';
  let cluster = '';
  eachField(
    bytes,
    (field, start, end) => {
      if (field === 1) id = textAt(bytes, start, end);
      else if (field === 2) cluster = textAt(bytes, start, end);
    },
    from,
    to,
  );
  return { id, cluster };
};

const errorAt = (bytes: Buffer, from: number, to: number): string => {
  let message = '';
  eachField(
    bytes,
    (field, start, end) => {
      if (field === 2) message = textAt(bytes, start, Math.min(end, start + errorAtMost));
    },
    from,
    to,
  );
  return message || 'rejected without a message';
};
