/** Asks one address again and again on a few connections until standard input ends, then prints what came: run inside the lab's network. */
import { Pool } from 'undici';

const [, , address = '', host = '', connections = '4'] = process.argv;
const pool = new Pool(`http://${address}`, { connections: Number(connections), pipelining: 1, headersTimeout: 5000, bodyTimeout: 5000 });
const failures: string[] = [];
let answered = 0;
let ended = false;
process.stdin.resume().on('end', () => (ended = true));

const ask = async (): Promise<void> => {
  while (!ended) {
    try {
      const { statusCode, body } = await pool.request({ path: '/', method: 'GET', headers: { host } });
      await body.dump();
      if (statusCode === 200) answered += 1;
      else failures.push(`${new Date().toISOString()} status ${statusCode}`);
    } catch (error) {
      failures.push(`${new Date().toISOString()} ${(error as Error).message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

await Promise.all(Array.from({ length: Number(connections) }, ask));
process.stdout.write(JSON.stringify({ answered, failures }));
await pool.destroy();
