import { fingerprint } from '../../lib/fingerprint.ts';

/** What the variables of a pattern stand for; `domain` is absent while the tailnet's is not known. */
export type Variables = { readonly service: string; readonly tailnet: string; readonly namespace: string; readonly domain?: string };

/** A pattern with its variables filled in; undefined while one of them is not known. */
const filled = (pattern: string, { service, tailnet, namespace, domain }: Variables): string | undefined => {
  if (domain === undefined && pattern.includes('{domain}')) return undefined;
  const values: Readonly<Record<string, string>> = { service, tailnet, namespace, domain: domain ?? '' };
  return pattern.replaceAll(/\{(service|tailnet|namespace|domain)\}/g, (_, name: string) => values[name] ?? '');
};

const longestLabel = 63;
const dnsName = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;

/** The host a pattern stands for, labels that are too long shortened with a fingerprint; undefined for what is no DNS name. */
export const hostFrom = (pattern: string, variables: Variables): string | undefined => {
  const host = filled(pattern, variables)?.toLowerCase().split('.').map(shortened).join('.');
  return host !== undefined && dnsName.test(host) ? host : undefined;
};

const shortened = (label: string): string => {
  if (label.length <= longestLabel) return label;
  const end = `-${fingerprint(label)}`;
  return label.slice(0, longestLabel - end.length).replace(/-+$/, '') + end;
};

/** The path prefix a pattern stands for, without a slash at the end unless it is `/`. */
export const pathFrom = (pattern: string, variables: Variables): string | undefined => {
  const path = filled(pattern, variables);
  return path === undefined ? undefined : path.replace(/\/+$/, '') || '/';
};

/**
 * Where a Tailscale Service is spoken to: at the protocol's own port where it has it or does not say which it has, else at its lowest one.
 * Undefined when it takes no TCP.
 */
export const servicePortOf = (ports: readonly string[], protocol: 'HTTP' | 'HTTPS'): number | undefined => {
  const usual = protocol === 'HTTP' ? 80 : 443;
  if (ports.length === 0 || ports.includes('do-not-validate')) return usual;
  const ranges = ports.flatMap((text) => {
    const [, first, last = first] = /^tcp:(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
    return first === undefined ? [] : [{ first: Number(first), last: Number(last) }];
  });
  if (ranges.some(({ first, last }) => first <= usual && usual <= last)) return usual;
  return ranges.length === 0 ? undefined : Math.min(...ranges.map(({ first }) => first));
};
