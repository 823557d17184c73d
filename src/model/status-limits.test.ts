import { describe, expect, it } from 'vitest';
import gatewayApi from '../api/generated/gateway-api.json' with { type: 'json' };
import { statusLimits } from './status-limits.ts';

type Schema = {
  readonly type?: string;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
};

/** Fields below a schema, with their names, at any depth. */
const fieldsOf = ({ properties = {}, items }: Schema): readonly (readonly [string, Schema])[] => [
  ...Object.entries(properties).flatMap(([name, field]) => [[name, field] as const, ...fieldsOf(field)]),
  ...(items === undefined ? [] : fieldsOf(items)),
];

const fields = Object.values(gatewayApi.kinds)
  .flatMap(({ schemas }): readonly Schema[] => schemas)
  .flatMap(({ properties }) => fieldsOf(properties?.['status'] ?? {}));

describe('the room in a status', () => {
  it.each(Object.entries(statusLimits))('for %s is that of all CRDs that have it, %i', (name, limit) => {
    const limits = fields.filter(([field]) => field === name).map(([, { maxItems, maxLength }]) => maxItems ?? maxLength);
    expect([...new Set(limits)]).toEqual([limit]);
  });
});
