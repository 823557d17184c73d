/**
 * Tells a simulator of each machine that joins a real coordination server, by its real id, name and addresses: together they are what a tailnet
 * and its API are. Arguments: the server's admin URL, the simulator's. Ends with its standard input.
 */
const [, , admin = '', simulator = ''] = process.argv;

type Node = { readonly stableID: string; readonly name: string; readonly hostname: string; readonly addresses: readonly string[] };

const seen = new Set<string>();

const mirror = async (): Promise<void> => {
  const nodes = (await (await fetch(`${admin}/nodes`)).json()) as readonly Node[] | null;
  for (const { stableID, name, hostname, addresses } of nodes ?? []) {
    if (seen.has(stableID) || addresses.length === 0) continue;
    const body = {
      hostname,
      nodeId: stableID,
      name: name.replace(/\.$/, ''),
      addresses: addresses.map((address) => address.split('/')[0]),
      tags: ['tag:k8s'],
    };
    const answer = await fetch(`${simulator}/simulator/devices`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) process.stderr.write(`${hostname}: ${await answer.text()}\n`);
    seen.add(stableID);
  }
};

process.stdin.on('end', () => process.exit(0)).resume();
for (;;) {
  await mirror().catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  await new Promise((resolve) => setTimeout(resolve, 200));
}
