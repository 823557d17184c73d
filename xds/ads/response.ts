import type { EncodedResource } from '../snapshot/encoded.ts';
import { fieldLength, writeHeader, writeText } from '../wire/write.ts';
import type { Mode, Response } from './state.ts';

/** A message in two parts: `head` is of this response alone, `body` is shared by all streams that are sent the same resources. */
export type Message = { readonly head: Buffer; readonly body: Buffer };

/** Numbers of the fields beside the resources, whose number is 2 in both messages (envoy.service.discovery.v3). */
const numbers = {
  sotw: { version: 1, typeUrl: 4, nonce: 5, removed: 0, controlPlane: 6 },
  delta: { version: 1, typeUrl: 4, nonce: 5, removed: 6, controlPlane: 7 },
} as const;

/** A response as DiscoveryResponse or DeltaDiscoveryResponse. Fields of a message may come in any order, so the shared part is one piece. */
export const messageOf = (mode: Mode, { typeUrl, nonce, version, resources, removed }: Response, controlPlane: string): Message => {
  const field = numbers[mode];
  const texts: [field: number, text: string][] = [
    [field.version, version],
    [field.typeUrl, typeUrl],
    [field.nonce, nonce],
  ];
  for (const name of removed) texts.push([field.removed, name]);
  const identifier = Buffer.byteLength(controlPlane);
  let length = fieldLength(fieldLength(identifier));
  for (const [, text] of texts) length += fieldLength(Buffer.byteLength(text));
  const head = Buffer.allocUnsafe(length);
  let at = writeHeader(head, 0, field.controlPlane, fieldLength(identifier));
  at = writeText(head, at, 1, controlPlane, identifier);
  for (const [number, text] of texts) at = writeText(head, at, number, text, Buffer.byteLength(text));
  return { head, body: bodyOf(mode, resources) };
};

const bodies = { sotw: new WeakMap<readonly EncodedResource[], Buffer>(), delta: new WeakMap<readonly EncodedResource[], Buffer>() };
const noBytes = Buffer.alloc(0);

const bodyOf = (mode: Mode, resources: readonly EncodedResource[]): Buffer => {
  if (resources.length < 2) return resources[0]?.[mode] ?? noBytes;
  let body = bodies[mode].get(resources);
  if (body === undefined) bodies[mode].set(resources, (body = Buffer.concat(resources.map((resource) => resource[mode]))));
  return body;
};
