/** Envoy in its pod, with what kubelet does before it tells it to end: the pod's own preStop hook, which the lab leaves out. Arguments: Envoy's. */
import { spawn, spawnSync } from 'node:child_process';
import { drainCommand } from '../../../controllers/gateway/drain.ts';
import { adminPort } from '../../../controllers/gateway/layout.ts';

const args = process.argv.slice(2);
const envoy = spawn('envoy', args, { stdio: 'inherit' });
envoy.once('exit', (code) => process.exit(code ?? 1));
process.once('SIGTERM', () => {
  const [program = '', ...rest] = drainCommand(adminPort, Number(args[args.indexOf('--drain-time-s') + 1]));
  spawnSync(program, rest, { stdio: 'inherit' });
  envoy.kill('SIGTERM');
});
