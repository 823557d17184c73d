import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { hostPortText, type HostPort } from '../src/lib/host-port.ts';

/** A small HTTP server that says who it is and what it received, so that one can see where a request went and what became of it. */
export const startSampleBackend = async (name: string, address: HostPort): Promise<Server> => {
  const server = createServer((request, response) => {
    const headers = Object.entries(request.headers).map(([header, value]) => `  ${header}: ${String(value)}\n`);
    response.writeHead(200, { 'content-type': 'text/plain', 'x-backend': name });
    response.end(`${name} at ${hostPortText(address)} received ${request.method} ${request.url}\n${headers.join('')}`);
    request.resume();
  });
  server.listen(address.port, address.host);
  await once(server, 'listening');
  return server;
};
