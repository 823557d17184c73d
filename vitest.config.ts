import { defineConfig } from 'vitest/config';

const slow = { testTimeout: 60_000, hookTimeout: 120_000 };

/** `unit` sits beside the code; `golden`, `integration` and `e2e` use real parts, the last one file at a time after the others. */
export default defineConfig({
  test: {
    environment: 'node',
    reporters: process.env['CI'] === 'true' ? ['default', './test/support/closing-line.ts'] : ['default'],
    projects: [
      {
        extends: true,
        test: { name: 'unit', include: ['{src,xds,bootstrap,controllers,scripts}/**/*.test.ts', 'test/*.test.ts'], testTimeout: 30_000 },
      },
      { extends: true, test: { name: 'golden', include: ['test/golden/**/*.test.ts'], ...slow } },
      { extends: true, test: { name: 'integration', include: ['test/{integration,conformance}/**/*.test.ts'], ...slow } },
      {
        extends: true,
        test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...slow, fileParallelism: false, sequence: { groupOrder: 1 } },
      },
    ],
  },
});
