import { codes, type Status } from './wire.ts';

const prefixLength = 5;

/**
 * Cuts a gRPC byte stream into messages (gRPC over HTTP/2, "Length-Prefixed-Message"). Chunks are kept as they come and joined once, when
 * their message is complete.
 */
export class MessageReader {
  readonly #limit: number;
  #chunks: Buffer[] = [];
  #length = 0;

  /** `limit`: bytes one message may have. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The next whole message; undefined until more bytes come; a status to end with where the bytes cannot be read. */
  next(): Buffer | Status | undefined {
    if (this.#length < prefixLength) return undefined;
    const prefix = this.#peek();
    if (prefix[0] !== 0) return { code: codes.unimplemented, details: 'compressed messages are not supported' };
    const length = prefix.readUInt32BE(1);
    if (length > this.#limit)
      return { code: codes.resourceExhausted, details: `request of ${length} bytes, at most ${this.#limit} are allowed` };
    if (this.#length < prefixLength + length) return undefined;
    const all = this.#joined();
    const end = prefixLength + length;
    this.#chunks = all.length > end ? [all.subarray(end)] : [];
    this.#length = all.length - end;
    return all.subarray(prefixLength, end);
  }

  #peek(): Buffer {
    const [first] = this.#chunks;
    return first !== undefined && first.length >= prefixLength ? first : this.#joined();
  }

  #joined(): Buffer {
    const [first] = this.#chunks;
    if (this.#chunks.length === 1 && first !== undefined) return first;
    const all = Buffer.concat(this.#chunks, this.#length);
    this.#chunks = [all];
    return all;
  }
}
