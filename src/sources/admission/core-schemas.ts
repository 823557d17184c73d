/**
 * Core kinds in the language of CustomResourceDefinitions: types, limits and the API server's defaults for the fields we use. They have
 * no published structural schema, so fields that are not named here are let through.
 */
import type { Schema } from '../../api/schema.ts';

type Fields = Readonly<Record<string, Schema>>;

const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
const port: Schema = { type: 'integer', format: 'int32', minimum: 1, maximum: 65535 };
const protocol: Schema = { type: 'string', enum: ['TCP', 'UDP', 'SCTP'], default: 'TCP' };
const dnsLabel: Schema = { type: 'string', maxLength: 63, pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$' };
/** A name of IANA's or a qualified one: `http`, `kubernetes.io/h2c`. */
const appProtocol: Schema = {
  type: 'string',
  pattern: '^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$',
};
const base64Map: Schema = { type: 'object', additionalProperties: { type: 'string', format: 'byte' } };
const textMap: Schema = { type: 'object', additionalProperties: text };

const open = (properties: Fields, rest: Omit<Schema, 'type' | 'properties'> = {}): Schema => ({
  type: 'object',
  properties,
  'x-kubernetes-preserve-unknown-fields': true,
  ...rest,
});

const listOf = (items: Schema, rest: Omit<Schema, 'type' | 'items'> = {}): Schema => ({ type: 'array', items, ...rest });

/** `targetPort` defaults to `port`, which no schema can say: see `convert.ts`. */
const servicePort = open(
  {
    name: dnsLabel,
    port,
    targetPort: {
      'x-kubernetes-int-or-string': true,
      'x-kubernetes-validations': [
        {
          rule: "type(self) == int ? self >= 0 && self <= 65535 : self.matches('^([a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?)?$')",
          message: 'must be a port from 1 to 65535, or the name of one',
        },
      ],
    },
    protocol,
    appProtocol,
    nodePort: { type: 'integer', format: 'int32', minimum: 0, maximum: 65535 },
  },
  { required: ['port'] },
);

const portNames = [
  { rule: "size(self) < 2 || self.all(p, has(p.name) && p.name != '')", message: 'every port needs a name when there are several' },
  {
    rule: "self.all(p, !has(p.name) || p.name == '' || self.exists_one(q, has(q.name) && q.name == p.name))",
    message: 'port names must be unique',
  },
];

const service = open(
  {
    spec: open(
      {
        type: { type: 'string', enum: ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'], default: 'ClusterIP' },
        ports: listOf(servicePort, {
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['port', 'protocol'],
          'x-kubernetes-validations': portNames,
        }),
        selector: textMap,
        clusterIP: {
          type: 'string',
          'x-kubernetes-validations': [{ rule: "self in ['', 'None'] || isIP(self)", message: 'must be an IP address, or None' }],
        },
        clusterIPs: listOf(text),
        externalName: text,
        ipFamilies: listOf({ type: 'string', enum: ['IPv4', 'IPv6'] }),
        publishNotReadyAddresses: flag,
      },
      {
        'x-kubernetes-validations': [
          {
            rule: "self.type != 'ExternalName' || (has(self.externalName) && self.externalName != '')",
            message: 'externalName is required when type is ExternalName',
          },
          {
            rule: "self.type == 'ExternalName' || (has(self.clusterIP) && self.clusterIP == 'None') || (has(self.ports) && size(self.ports) > 0)",
            message: 'ports are required unless the Service is headless or an ExternalName',
          },
        ],
      },
    ),
  },
  { required: ['spec'] },
);

const endpoint = open(
  {
    addresses: listOf({ type: 'string', minLength: 1 }, { minItems: 1, maxItems: 100, 'x-kubernetes-list-type': 'set' }),
    conditions: open({ ready: flag, serving: flag, terminating: flag }),
    hostname: text,
    nodeName: text,
    zone: text,
    targetRef: open({ kind: text, namespace: text, name: text, uid: text }),
  },
  { required: ['addresses'] },
);

const endpointPort = open({ name: { ...dnsLabel, default: '' }, protocol, port, appProtocol });

/** Loopback addresses, which an API server refuses, are welcome: standalone mode's backends run beside it. */
const endpointSlice = open(
  {
    addressType: { type: 'string', enum: ['IPv4', 'IPv6', 'FQDN'] },
    endpoints: listOf(endpoint, { maxItems: 1000, default: [] }),
    ports: listOf(endpointPort, {
      maxItems: 20_000,
      'x-kubernetes-validations': [{ rule: 'self.all(p, self.exists_one(q, q.name == p.name))', message: 'port names must be unique' }],
    }),
  },
  {
    required: ['addressType'],
    'x-kubernetes-validations': [
      {
        rule: "self.endpoints.all(e, e.addresses.all(a, self.addressType == 'FQDN' ? !a.contains(':') : isIP(a) && a.contains(':') == (self.addressType == 'IPv6')))",
        message: 'endpoints must have addresses of the addressType',
      },
    ],
  },
);

const keyed = (field: string) => ({
  rule: `!has(self.${field}) || self.${field}.all(k, k.matches('^[-._a-zA-Z0-9]+$') && size(k) <= 253)`,
  message: `keys of ${field} must have 1 to 253 letters, digits, -, _ or .`,
});

const secret = open(
  { type: { type: 'string', default: 'Opaque' }, data: base64Map, stringData: textMap, immutable: flag },
  {
    'x-kubernetes-validations': [
      keyed('data'),
      keyed('stringData'),
      ...['tls.crt', 'tls.key'].map((key) => ({
        rule: `self.type != 'kubernetes.io/tls' || (has(self.data) && '${key}' in self.data) || (has(self.stringData) && '${key}' in self.stringData)`,
        message: `data must have ${key} when type is kubernetes.io/tls`,
      })),
    ],
  },
);

const configMap = open(
  { data: textMap, binaryData: base64Map, immutable: flag },
  {
    'x-kubernetes-validations': [
      keyed('data'),
      keyed('binaryData'),
      {
        rule: '!has(self.data) || !has(self.binaryData) || self.data.all(k, !(k in self.binaryData))',
        message: 'a key must not be in both data and binaryData',
      },
    ],
  },
);

const node = open({ status: open({ addresses: listOf(open({ type: text, address: text }, { required: ['type', 'address'] })) }) });

export const coreSchemas = {
  Namespace: open({}),
  Service: service,
  EndpointSlice: endpointSlice,
  Secret: secret,
  ConfigMap: configMap,
  Node: node,
} satisfies Readonly<Record<string, Schema>>;
