import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { infrastructureFor } from './fixtures.ts';
import { labelValueOf, objectNameOf } from './names.ts';

const nameFor = (name: string, className = 'tailplane'): string => objectNameOf(infrastructureFor({}, { name, className }));

describe('objectNameOf', () => {
  it('is Gateway and class, as GEP-1762 has it', () => {
    expect(nameFor('edge', 'internal')).toBe('edge-internal');
  });

  it('keeps apart what dots, digits and shortening would make one', () => {
    const names = ['a.b', 'a-b', '1', 'gateway-1', `${'x'.repeat(80)}1`, `${'x'.repeat(80)}2`].map((name) => nameFor(name));
    expect(new Set(names).size).toBe(names.length);
  });

  const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?$/);
  const subdomain = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));

  it('is a name that a Service may have, whatever Gateway and class are called', () => {
    fc.assert(
      fc.property(subdomain, subdomain, (name, className) => {
        expect(nameFor(name, className)).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
      }),
    );
  });

  it('goes with label values that are allowed, too', () => {
    fc.assert(
      fc.property(subdomain, (name) => {
        expect(labelValueOf(name)).toMatch(/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/);
      }),
    );
  });
});
