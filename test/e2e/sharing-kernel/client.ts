/**
 * Says something to a service of a tailnet from one of its machines, and prints what comes back; what does not come is told as what went wrong.
 * Arguments: the proxy of the machine's tailscaled (HTTP and SOCKS5), `tcp` or `udp`, the service's host, its port.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { exchange, through } from '../sharing-cluster/through.ts';

export type Protocol = 'tcp' | 'udp';

const [, , proxy = '', protocol = '', host = '', port = ''] = process.argv;
const said = 'hello';

/** SOCKS5, RFC 1928, UDP ASSOCIATE: packets go to the address that is answered, each with where it is to go before it. */
const packet = async (): Promise<string> => {
  const [at = '', number] = proxy.split(':');
  const control = connect(Number(number), at);
  const answer = async (...bytes: readonly number[]): Promise<Buffer> => {
    control.write(Buffer.from(bytes));
    const [data] = (await once(control, 'data', { signal: AbortSignal.timeout(5000) })) as [Buffer];
    return data;
  };
  await answer(5, 1, 0);
  const bound = await answer(5, 3, 0, 1, 0, 0, 0, 0, 0, 0);
  const relay = { address: [...bound.subarray(4, 8)].join('.'), port: bound.readUInt16BE(8) };
  const header = Buffer.from([0, 0, 0, 1, ...host.split('.').map(Number), Number(port) >> 8, Number(port) & 0xff]);
  const socket = createSocket('udp4');
  const resent = setInterval(() => socket.send(Buffer.concat([header, Buffer.from(said)]), relay.port, relay.address), 500);
  try {
    const [data] = (await once(socket, 'message', { signal: AbortSignal.timeout(8000) })) as [Buffer];
    return data.subarray(header.length).toString();
  } finally {
    clearInterval(resent);
    socket.close();
    control.destroy();
  }
};

const answer = protocol === 'udp' ? packet() : through(proxy, `${host}:${port}`).then((socket) => exchange(socket, said));
process.stdout.write(JSON.stringify(await answer.catch(String)), () => process.exit(0));
