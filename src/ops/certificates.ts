import { localKey } from '../lib/key.ts';
import { present } from '../lib/present.ts';
import type { Graph, TlsSecret } from '../model/graph.ts';
import type { Obtained } from '../model/sharing/certificate-budget.ts';

/** Certificates that Envoys of any Gateway are given, each once. */
export const certificatesIn = (graph: Graph | undefined): readonly TlsSecret[] => [
  ...new Map(
    [...(graph?.gateways.values() ?? [])].flatMap(({ secrets }) =>
      secrets.flatMap((secret) => (secret.type === 'key-pair' ? [[secret.id, secret] as const] : [])),
    ),
  ).values(),
];

/** MagicDNS names of which proxies are to obtain a certificate, with the one that is used. */
export const obtainedIn = (graph: Graph | undefined): readonly (Obtained & { readonly tailnet: string })[] => {
  const known = new Map(certificatesIn(graph).map((certificate) => [certificate.id, certificate]));
  return [...(graph?.proxySets.values() ?? [])].flatMap(({ namespace, tailnet, services }) =>
    [...services.values()].flatMap(({ certificate: name }) =>
      name === undefined ? [] : [{ tailnet, name, ...present({ certificate: known.get(localKey(namespace, name)) }) }],
    ),
  );
};
