/** curl on a machine of a tailnet. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export type Curled = { readonly status: number; readonly body: string };

/**
 * What curl gets through the HTTP proxy of the machine's own tailscaled, which resolves the names of the tailnet; status 0 where it gets nothing.
 * `proxy` is `host:port`, `args` are curl's.
 */
export const curl = async (proxy: string, url: string, ...args: readonly string[]): Promise<Curled> => {
  const own = ['-sS', '-g', '-m', '10', '-p', '-x', `http://${proxy}`, '-w', '\n%{http_code}'];
  const { stdout } = await promisify(execFile)('curl', [...own, ...args, url]).catch((error: unknown) => ({
    stdout: `${(error as { readonly stderr?: string }).stderr ?? ''}\n0`,
  }));
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end).trimEnd() };
};
