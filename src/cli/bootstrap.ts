import { hostname } from 'node:os';
import { Command, Option } from 'commander';
import { hostPortFrom } from '../lib/host-port.ts';
import { UsageError } from '../config.ts';
import type { Io } from './io.ts';

type Flags = {
  readonly gateway: string;
  readonly xds: string;
  readonly apiType: 'GRPC' | 'DELTA_GRPC';
  readonly adminAddress: string;
  readonly nodeId: string;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsServerName?: string;
};

export const bootstrapCommand = (io: Io): Command =>
  new Command('bootstrap')
    .description('print the bootstrap of an Envoy for one Gateway')
    .requiredOption('--gateway <namespace/name>', 'the Gateway it serves')
    .option('--xds <host:port>', 'where tailplane serves xDS', '127.0.0.1:18000')
    .addOption(new Option('--api-type <type>', 'xDS transport').choices(['DELTA_GRPC', 'GRPC']).default('DELTA_GRPC'))
    .option('--admin-address <host:port>', "Envoy's admin port", '127.0.0.1:19000')
    .option('--node-id <id>', 'tells this Envoy from others of the Gateway', hostname())
    .option('--tls-ca <file>', 'CA of the xDS server, as the Envoy sees the file; turns TLS on')
    .option('--tls-cert <file>', 'client certificate')
    .option('--tls-key <file>', 'its key')
    .option('--tls-server-name <name>', 'name in the xDS server certificate (default: the host of --xds)')
    .addHelpText('after', '\nExample:\n  tailplane bootstrap --gateway default/quickstart > envoy.yaml && envoy -c envoy.yaml\n')
    .action(async (flags: Flags) => {
      const [{ bootstrapFor }, { stringify }] = await Promise.all([import('../../bootstrap/bootstrap.ts'), import('yaml')]);
      const bootstrap = bootstrapFor({
        gateway: gatewayFrom(flags.gateway),
        nodeId: flags.nodeId,
        xds: addressFrom('--xds', flags.xds),
        apiType: flags.apiType,
        admin: addressFrom('--admin-address', flags.adminAddress),
        ...tlsFrom(flags),
      });
      io.out(
        `# An Envoy of Gateway ${flags.gateway}. Run: envoy -c FILE --drain-time-s 60 --drain-strategy gradual\n${stringify(bootstrap, { aliasDuplicateObjects: false })}`,
      );
    });

const gatewayFrom = (text: string): { readonly namespace: string; readonly name: string } => {
  const [namespace, name, ...rest] = text.split('/');
  if (!namespace || !name || rest.length > 0) throw new UsageError(`--gateway: ${JSON.stringify(text)} is not NAMESPACE/NAME`);
  return { namespace, name };
};

const addressFrom = (flag: string, text: string) => {
  const address = hostPortFrom(text);
  if (address === undefined) throw new UsageError(`${flag}: ${JSON.stringify(text)} is not HOST:PORT`);
  return address;
};

const tlsFrom = ({ tlsCa, tlsCert, tlsKey, tlsServerName }: Flags) => {
  if (tlsCa === undefined) {
    if ((tlsCert ?? tlsKey ?? tlsServerName) !== undefined)
      throw new UsageError('--tls-cert, --tls-key and --tls-server-name need --tls-ca');
    return {};
  }
  if ((tlsCert === undefined) !== (tlsKey === undefined)) throw new UsageError('--tls-cert and --tls-key come together');
  return {
    tls: {
      ca: tlsCa,
      ...(tlsCert === undefined || tlsKey === undefined ? {} : { cert: tlsCert, key: tlsKey }),
      ...(tlsServerName === undefined ? {} : { serverName: tlsServerName }),
    },
  };
};
