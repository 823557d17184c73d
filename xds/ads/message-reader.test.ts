import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MessageReader } from './message-reader.ts';

const framed = (message: Buffer): Buffer => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
};

it('messages come out whole however the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), fc.array(fc.integer({ min: 1, max: 20 })), (messages, cuts) => {
      const bytes = Buffer.concat(messages.map((message) => framed(Buffer.from(message))));
      const reader = new MessageReader(100);
      const read: unknown[] = [];
      for (let at = 0, cut = 0; at < bytes.length; cut++) {
        const to = at + (cuts[cut % Math.max(1, cuts.length)] ?? 7);
        reader.push(bytes.subarray(at, to));
        for (let message = reader.next(); message !== undefined; message = reader.next()) read.push(message);
        at = to;
      }
      expect(read).toEqual(messages.map((message) => Buffer.from(message)));
    }),
  );
});

it('a message beyond the limit is refused before it has arrived', () => {
  const reader = new MessageReader(10);
  reader.push(framed(Buffer.alloc(11)).subarray(0, 5));
  expect(reader.next()).toMatchObject({ code: 8 });
});

it('a compressed message is refused', () => {
  const reader = new MessageReader(10);
  reader.push(Buffer.from([1, 0, 0, 0, 0]));
  expect(reader.next()).toMatchObject({ code: 12 });
});
