import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readPaths } from '../src/cli/offline.ts';
import { checkReportOf } from '../src/ops/check-report.ts';

const root = join(import.meta.dirname, '../examples');
const folders = readdirSync(root, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

describe.each(folders)('examples/%s', (folder) => {
  it('has no problem', async () => {
    const known = await readPaths([join(root, folder)]);
    // A checkout's files are readable by all, which a Secret's should not be: said in the file itself. A Deployment is the cluster's business.
    const expected = /chmod|unknown kind apps\/v1 Deployment: skipped/;
    const problems = checkReportOf(known).problems.filter(({ reason }) => !expected.test(reason));
    expect(problems).toEqual([]);
    expect(known.graph.gateways.size).toBeGreaterThan(0);
  });

  it('is in the list of examples', () => {
    expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`[${folder}](${folder})`);
  });
});
