import { fingerprint } from '../../lib/fingerprint.ts';
import { fail, ok, type Result } from '../../lib/result.ts';

/** By this annotation a route says the name of its service itself. */
export const nameAnnotation = 'gateway.tailscale.com/service-name';

/** What the variables of `services.namePattern` stand for. */
export type NameVariables = { readonly route: string; readonly namespace: string; readonly cluster: string };

const longest = 63;
const prefix = 'svc:';
const dnsLabel = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;

/** `svc:web` → `web`. */
export const labelOf = (service: string): string => (service.startsWith(prefix) ? service.slice(prefix.length) : service);

export const serviceNameOf = (label: string): string => prefix + label;

/** The label that a name makes: dots become hyphens, and what is longer than 63 characters ends in a fingerprint. One that is a label stays as it is. */
export const labelMadeOf = (name: string): string => shortened(name.toLowerCase().replaceAll('.', '-'));

/** The label that a pattern makes of a route. */
export const labelFrom = (pattern: string, variables: NameVariables): Result<string, string> => {
  const filled = pattern.replaceAll(/\{(route|namespace|cluster)\}/g, (_, name: keyof NameVariables) => variables[name]);
  const label = labelMadeOf(filled);
  return dnsLabel.test(label) ? ok(label) : fail(`services.namePattern "${pattern}" makes "${label}" of it, which is no DNS label`);
};

const shortened = (label: string): string => {
  if (label.length <= longest) return label;
  const end = `-${fingerprint(label)}`;
  return label.slice(0, longest - end.length).replace(/-+$/, '') + end;
};

/** The label that somebody wrote, with or without `svc:`. It is taken as it is or not at all, since others may rely on it. */
export const labelWritten = (written: string): Result<string, string> => {
  const label = labelOf(written);
  if (label.length <= longest && dnsLabel.test(label)) return ok(label);
  return fail(
    `annotation ${nameAnnotation} says "${written.slice(0, 2 * longest)}", which is no DNS label of at most ${longest} characters`,
  );
};
