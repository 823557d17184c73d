/**
 * Asks a Gateway over every protocol, all at a time, and prints the answers, by name, as JSON. Arguments: the Gateway's address, Asks as JSON by
 * name. What does not answer in time is told as what went wrong.
 */
import { createSocket } from 'node:dgram';
import { ask } from '../../support/http.ts';
import { tcpExchange, tlsExchange, whoAnswers } from '../traffic/clients.ts';
import { callGrpc } from '../traffic/grpc.ts';

export type Ask = {
  readonly protocol: 'http' | 'grpc' | 'tls' | 'tcp' | 'udp';
  readonly port: number;
  readonly host: string;
  readonly path?: string;
  /** Of the server, for `tls`. */
  readonly ca?: string;
};

const [, , address = '', asks = '{}'] = process.argv;

/** Datagrams may be lost: one every half second. */
const datagram = async (port: number): Promise<string> => {
  const socket = createSocket('udp4');
  const send = (): void => socket.send('hello', port, address);
  const again = setInterval(send, 500).unref();
  send();
  try {
    return await new Promise((resolve, reject) => {
      socket.once('message', (data) => resolve(data.toString()));
      socket.once('error', reject);
    });
  } finally {
    clearInterval(again);
    socket.close();
  }
};

const answerTo = async ({ protocol, port, host, path = '/', ca = '' }: Ask): Promise<string> => {
  switch (protocol) {
    case 'http': {
      const answer = await ask(port, path, { host }, { host: address });
      return answer.status === 200 ? whoAnswers(answer) : `${answer.status}: ${answer.body}`;
    }
    case 'grpc': {
      const { code, answer } = await callGrpc(port, host, '/a.B/C', {}, address);
      return code === 'OK' ? answer : code;
    }
    case 'tls':
      return tlsExchange(port, { ca, servername: host }, 'hello', address);
    case 'tcp':
      return tcpExchange(port, 'hello', address);
    case 'udp':
      return datagram(port);
  }
};

const silence = (): Promise<string> => new Promise((resolve) => setTimeout(() => resolve('no answer'), 12_000).unref());

const answers = await Promise.all(
  Object.entries(JSON.parse(asks) as Record<string, Ask>).map(async ([name, one]) => [
    name,
    await Promise.race([answerTo(one).catch(String), silence()]),
  ]),
);
process.stdout.write(JSON.stringify(Object.fromEntries(answers)), () => process.exit(0));
