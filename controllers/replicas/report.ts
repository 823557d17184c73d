import type { ResourceType } from '../../xds/resources.ts';

/** What one replica knows of the Envoys that are connected to it, by Gateway (`namespace/name`). A Gateway of which it knows nothing is absent. */
export type Report = ReadonlyMap<string, GatewayReport>;

export type GatewayReport = {
  /** Envoys connected now. */
  readonly connected: number;
  /** The latest edition of the Gateway that some Envoy accepted all configuration of; empty before there is one. */
  readonly accepted: string;
  /** Where the Gateway has entrances from tailnets: the latest version of all its listeners that every Envoy connected here has. */
  readonly listeners?: string;
  readonly rejections: readonly Rejected[];
};

/** A resource that some Envoy does not take. */
export type Rejected = {
  readonly type: ResourceType;
  readonly name: string;
  /** Of its content: another one is another matter. */
  readonly version: string;
  /** Envoy's own words, shortened. */
  readonly error: string;
};

export const noReport: Report = new Map();

/** Envoy says what is wrong in its first sentence, and may then print the whole resource. */
const errorLength = 300;

export const shortened = (error: string): string => (error.length <= errorLength ? error : `${error.slice(0, errorLength - 1)}…`);

/** As written: short names, because they are repeated thousandfold. */
type Written = {
  readonly gateways: Readonly<
    Record<
      string,
      { readonly connected: number; readonly accepted?: string; readonly listeners?: string; readonly rejections?: readonly Rejected[] }
    >
  >;
  /** Gateways and rejections that did not find room. */
  readonly omitted?: number;
};

/**
 * A report as text of not much more than `limit` characters. What does not find room is left out in this order: of each Gateway all rejections
 * but the first, then the first ones, then Gateways without Envoys, then others. The same report gives the same text.
 */
export const textOf = (report: Report, limit = 700_000): string => {
  const order = [...report].toSorted(([one, a], [other, b]) => Number(b.connected > 0) - Number(a.connected > 0) || (one < other ? -1 : 1));
  let room = limit;
  let omitted = 0;
  const fits = (text: string): boolean => {
    const fit = text.length <= room;
    if (fit) room -= text.length;
    else omitted++;
    return fit;
  };
  const kept = new Map<string, Rejected[]>();
  for (const [gateway, { accepted, listeners }] of order)
    if (fits(`"${gateway}":{"connected":99999,"accepted":"${accepted}"${listeners === undefined ? '' : `,"listeners":"${listeners}"`}},`))
      kept.set(gateway, []);
  const most = Math.max(0, ...order.map(([, { rejections }]) => rejections.length));
  for (let nth = 0; nth < most; nth++)
    for (const [gateway, { rejections }] of order) {
      const rejection = rejections[nth];
      if (rejection !== undefined && fits(`${JSON.stringify(rejection)},`)) kept.get(gateway)?.push(rejection);
    }
  const gateways = Object.fromEntries(
    order.flatMap(([gateway, { connected, accepted, listeners }]) => {
      const rejections = kept.get(gateway);
      if (rejections === undefined) return [];
      return [
        [
          gateway,
          {
            connected,
            ...(accepted === '' ? {} : { accepted }),
            ...(listeners === undefined ? {} : { listeners }),
            ...(rejections.length === 0 ? {} : { rejections }),
          },
        ],
      ];
    }),
  );
  const written: Written = { gateways, ...(omitted === 0 ? {} : { omitted }) };
  return JSON.stringify(written);
};

/** The report in a text; undefined where it is none of ours, as another version of us may have written it. */
export const reportIn = (text: string): Report | undefined => {
  try {
    const { gateways } = JSON.parse(text) as Written;
    return new Map(
      Object.entries(gateways).map(([gateway, { connected, accepted = '', listeners, rejections = [] }]) => [
        gateway,
        { connected, accepted, ...(listeners === undefined ? {} : { listeners }), rejections },
      ]),
    );
  } catch {
    return undefined;
  }
};
