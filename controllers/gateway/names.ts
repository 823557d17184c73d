import { fingerprint } from '../../src/lib/fingerprint.ts';
import type { Infrastructure } from '../../src/model/infrastructure.ts';

const longest = 63;

/**
 * Name of everything that is made for a Gateway: `<gateway>-<class>` (GEP-1762), as a name that a Service may have (RFC 1035 label). Names
 * that are too long, have dots or begin with a digit end in a fingerprint of what they stand for instead, so that they stay apart.
 */
export const objectNameOf = ({ name, className }: Infrastructure): string => {
  const full = `${name}-${className}`;
  if (full.length <= longest && /^[a-z][-a-z0-9]*$/.test(full)) return full;
  const plain = full.replaceAll('.', '-').replace(/^(?=\d)/, 'gateway-');
  return cut(plain, `${name}/${className}`);
};

/** Name of the Service by which proxies of tailnets reach a Gateway's Envoys: `<gateway>-<class>-tailnet`. */
export const entranceServiceNameOf = (infrastructure: Infrastructure): string => {
  const full = `${objectNameOf(infrastructure)}-tailnet`;
  return full.length <= longest ? full : cut(full, full);
};

/** Where proxies of tailnets connect to. */
export const entranceHostOf = (infrastructure: Infrastructure): string =>
  `${entranceServiceNameOf(infrastructure)}.${infrastructure.namespace}.svc`;

/** `value` as a label may hold it: longer ones end in a fingerprint of the whole. */
export const labelValueOf = (value: string): string => (value.length <= longest ? value : cut(value, value));

const cut = (text: string, meaning: string): string => {
  const end = `-${fingerprint(meaning)}`;
  return text.slice(0, longest - end.length).replace(/[-.]+$/, '') + end;
};
