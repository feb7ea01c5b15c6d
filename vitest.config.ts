import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** The runner's own default is one core less than there are, which is one of two where the desk and CI live. */
const maxWorkers = Math.max(2, availableParallelism() - 1);

/** Three projects: pure code beside its subject, control plane, and what crosses processes. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          // Pure code shares no state: one module graph for all files halves the time of `npm run check`.
          pool: "threads",
          isolate: false,
          maxWorkers,
          include: [
            "lib/**/*.test.ts",
            "rl-worker/**/*.test.ts",
            "local/**/*.test.ts",
            "components/**/*.test.ts",
            "tests/arch/**/*.test.ts",
            "tests/run/**/*.test.ts",
          ],
          environment: "node",
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "convex",
          maxWorkers,
          include: ["convex/**/*.test.ts", "tests/convex/**/*.test.ts"],
          environment: "edge-runtime",
          server: { deps: { inline: ["convex-test", /@convex-dev/] } },
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "simulation",
          include: [
            "tests/contract/**/*.test.ts",
            "tests/simulation/**/*.test.ts",
            "tests/conformance/**/*.test.ts",
          ],
          environment: "node",
          fileParallelism: false,
          // Workers differ in number from the other projects', so it has a turn of its own.
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
