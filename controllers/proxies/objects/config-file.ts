import { byCodeUnit } from '../../../src/lib/key.ts';
import type { ProxySet } from '../../../src/model/proxy-set.ts';

export type ConfigOptions = {
  readonly ordinal: number;
  /** Absent once the proxy has logged in, and has no use for one. */
  readonly authKey?: string;
  /** Tailscale Services the proxy offers to host, `svc:web`. */
  readonly advertise?: readonly string[];
};

/**
 * What tailscaled of one replica starts from (`conffile`, version alpha0): plain JSON, and booleans as such, which is what both its parser and
 * Tailscale's operator read. Not locked, or serve configuration could not be applied. Egress proxies are nobody's destination, but take the
 * routes that subnet routers offer, so that what is behind those can be reached.
 */
export const configFileFrom = (set: ProxySet, { ordinal, authKey, advertise = [] }: ConfigOptions): string =>
  JSON.stringify({
    Version: 'alpha0',
    Locked: false,
    ServerURL: set.controlURL,
    ...(authKey === undefined ? {} : { AuthKey: authKey }),
    Hostname: hostnameOf(set, ordinal),
    acceptDNS: false,
    acceptRoutes: set.direction === 'egress',
    ...(set.direction === 'egress' ? { ShieldsUp: true } : {}),
    ...(advertise.length === 0 ? {} : { AdvertiseServices: advertise.toSorted(byCodeUnit) }),
  });

/** At most a DNS label: a long prefix gives way to the ordinal. */
export const hostnameOf = ({ hostnamePrefix }: ProxySet, ordinal: number): string => {
  const end = `-${ordinal}`;
  return hostnamePrefix.slice(0, 63 - end.length).replace(/-+$/, '') + end;
};

/** What a config file says, as far as it is not the set's to say; nothing where it cannot be read. */
export const readConfigFile = (text: string): Pick<ConfigOptions, 'authKey' | 'advertise'> => {
  let said: unknown;
  try {
    said = JSON.parse(text);
  } catch {
    return {}; // written anew
  }
  const { AuthKey, AdvertiseServices } = (typeof said === 'object' ? (said ?? {}) : {}) as Readonly<Record<string, unknown>>;
  return {
    ...(typeof AuthKey === 'string' && AuthKey !== '' ? { authKey: AuthKey } : {}),
    ...(Array.isArray(AdvertiseServices) ? { advertise: AdvertiseServices.filter((name) => typeof name === 'string') } : {}),
  };
};
