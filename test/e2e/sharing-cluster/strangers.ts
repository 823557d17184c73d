/**
 * Says over a connection of its own that it speaks for somebody of a tailnet (PROXY protocol version 2), and asks by HTTP. Prints what comes, as JSON.
 * Arguments: address, port, whom it claims to be (an IPv4 address), the host to ask for.
 */
import { connect } from 'node:net';

const [, , address = '', port = '0', claimed = '', host = ''] = process.argv;
const signature = Buffer.from('0d0a0d0a000d0a515549540a2111000c', 'hex');
const of = (ip: string): Buffer => Buffer.from(ip.split('.').map(Number));
const header = Buffer.concat([signature, of(claimed), of('100.64.0.99'), Buffer.from([0x30, 0x39, 0x00, 0x50])]);

const socket = connect(Number(port), address);
socket.setTimeout(10_000, () => socket.destroy());
let got = '';
socket.on('data', (data: Buffer) => (got += data.toString())).on('error', () => undefined);
socket.write(Buffer.concat([header, Buffer.from(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)]));
socket.once('close', () => process.stdout.write(JSON.stringify(got), () => process.exit(0)));
