/**
 * Runs a Bridge until its standard input ends, and tells each move of a service as a line of JSON. Arguments: the coordination server's admin
 * API, the simulator, Identities as JSON by host name.
 */
import { Bridge, type Identity } from '../../support/tailnet-bridge.ts';

export type Move = {
  readonly service: string;
  readonly host: string | null;
  /** When the coordination server was first told of it, and when it had been told all, by Date.now(). */
  readonly began: number;
  readonly ended: number;
};

const [, , admin = '', simulator = '', identities = '{}'] = process.argv;
const bridge = new Bridge({
  admin,
  simulator,
  identities: JSON.parse(identities) as Readonly<Record<string, Identity>>,
  moved: (service, host, began) =>
    process.stdout.write(`${JSON.stringify({ service, host: host ?? null, began, ended: Date.now() } satisfies Move)}\n`),
});
process.stdin.resume().on('end', () => void bridge.stop().then(() => process.exit(0)));
