/** Who owns a Tailscale Service, as Tailscale's own operator writes it down (`tailscale.com/owner-references`), so that it and we respect each other. */
import { ownerReferencesAnnotation } from '../../src/api/labels.ts';
import { fail, ok, type Result } from '../../src/lib/result.ts';

/** `resource` is there where the owner shares with nobody. Members we do not know go back as they came. */
export type OwnerReference = {
  readonly operatorID?: string;
  readonly resource?: { readonly kind?: string; readonly name?: string; readonly uid?: string };
};

type Annotations = Readonly<Record<string, string>>;

/** Owners in their order, empty where the annotation is missing or names none; fails with what is wrong with it. */
export const ownersIn = (annotations: Annotations): Result<readonly OwnerReference[], string> => {
  const text = annotations[ownerReferencesAnnotation] ?? '';
  if (text === '') return ok([]);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return fail('it is no JSON object');
    const { ownerRefs } = value as { readonly ownerRefs?: unknown };
    if (ownerRefs === undefined || ownerRefs === null) return ok([]);
    if (!Array.isArray(ownerRefs) || !ownerRefs.every(isReference)) return fail('its ownerRefs are not understood');
    return ok(ownerRefs);
  } catch {
    return fail('it is not JSON');
  }
};

/** The annotations with these owners in place of theirs. As text they are what Go writes: the official operator compares texts. */
export const withOwners = (annotations: Annotations, owners: readonly OwnerReference[]): Annotations => ({
  ...annotations,
  [ownerReferencesAnnotation]: JSON.stringify({ ownerRefs: owners }),
});

/** An owner as messages name it. */
export const ownerText = ({ operatorID = 'unknown', resource }: OwnerReference): string =>
  resource === undefined
    ? `operator ${operatorID}`
    : `${[resource.kind ?? 'object', resource.name].filter(Boolean).join(' ')} of operator ${operatorID}`;

const isReference = (value: unknown): value is OwnerReference => {
  if (typeof value !== 'object' || value === null) return false;
  const { operatorID, resource } = value as { readonly operatorID?: unknown; readonly resource?: unknown };
  return (operatorID === undefined || typeof operatorID === 'string') && (resource === undefined || typeof resource === 'object');
};
