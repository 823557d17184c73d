/**
 * Which addresses the kernels of ingress proxies of mode `forward` lead where: `ingress-config.json` (`ingressservices.Configs`), plain JSON, and what
 * containerboot says that it has done of it (`ingressservices.Status`). One bad address and nothing of the file counts, so nothing unchecked gets in.
 */
import { byCodeUnit } from '../../../src/lib/key.ts';
import { present } from '../../../src/lib/present.ts';
import type { AddressPair, ServiceMapping } from '../../../src/model/proxy-set.ts';
import { addressOf } from '../../../src/model/tailnets/machines.ts';
import { fields, parsed } from './json.ts';
import { serviceProblem } from './serve-config.ts';

/** By service. */
export type Mappings = ReadonlyMap<string, ServiceMapping>;

export const ingressConfigFile = 'ingress-config.json';

/** What a pod says that it leads where, and which one that is. */
export type IngressStatus = { readonly podIPs: readonly string[]; readonly mappings: Mappings };

/** Text of the file, the same for the same mappings. Throws where `mappingProblem` would have something to say. */
export const ingressMappingsFrom = (mappings: Mappings): string => {
  const services = [...mappings]
    .filter(([, mapping]) => !isEmptyMapping(mapping))
    .toSorted(([one], [other]) => byCodeUnit(one, other))
    .map(([name, mapping]) => {
      const problem = mappingProblem(name, mapping);
      if (problem !== undefined) throw new Error(`unreachable: ${name} ${problem}`);
      const { ipv4, ipv6 } = mapping;
      return [name, present({ IPv4Mapping: writtenFrom(ipv4), IPv6Mapping: writtenFrom(ipv6) })];
    });
  return JSON.stringify(Object.fromEntries(services));
};

const writtenFrom = (pair: AddressPair | undefined): object | undefined => pair && { TailscaleServiceIP: pair.from, ClusterIP: pair.to };

export const isEmptyMapping = ({ ipv4, ipv6 }: ServiceMapping): boolean => ipv4 === undefined && ipv6 === undefined;

export const sameMapping = (one: ServiceMapping | undefined, other: ServiceMapping): boolean =>
  one !== undefined && samePair(one.ipv4, other.ipv4) && samePair(one.ipv6, other.ipv6);

const samePair = (one: AddressPair | undefined, other: AddressPair | undefined): boolean =>
  one?.from === other?.from && one?.to === other?.to;

/** Why a service cannot be led, in words that follow its name; undefined when it can. */
export const mappingProblem = (name: string, { ipv4, ipv6 }: ServiceMapping): string | undefined => {
  const families = [
    [ipv4, 'IPv4'],
    [ipv6, 'IPv6'],
  ] as const;
  const problems = families.flatMap(([pair, family]) =>
    [pair?.from, pair?.to]
      .filter((ip) => ip !== undefined && (addressOf(ip) === undefined || ip.includes(':') !== (family === 'IPv6')))
      .map((ip) => `cannot be led by ${JSON.stringify(ip)}: that is no ${family} address`),
  );
  return serviceProblem(name, new Map()) ?? problems[0];
};

/** What such a file leads where; nothing where it cannot be read. */
export const readMappings = (text: string): Mappings => mappingsIn(parsed(text));

/** What such a status says; undefined where it says nothing. */
export const readIngressStatus = (text: string): IngressStatus | undefined => {
  const status = parsed(text);
  if (typeof status !== 'object' || status === null) return undefined;
  const { configs, podIPv4, podIPv6 } = fields(status);
  return { podIPs: [podIPv4, podIPv6].filter((ip) => typeof ip === 'string' && ip !== '') as string[], mappings: mappingsIn(configs) };
};

const mappingsIn = (value: unknown): Mappings =>
  new Map(
    Object.entries(fields(value)).map(([name, mapping]) => {
      const { IPv4Mapping, IPv6Mapping } = fields(mapping);
      return [name, present({ ipv4: pairIn(IPv4Mapping), ipv6: pairIn(IPv6Mapping) })];
    }),
  );

const pairIn = (value: unknown): AddressPair | undefined => {
  const { TailscaleServiceIP: from, ClusterIP: to } = fields(value);
  return typeof from === 'string' && typeof to === 'string' ? { from, to } : undefined;
};
