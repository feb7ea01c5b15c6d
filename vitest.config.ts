import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** The runner's own default is one core less than there are, which is one of two where the desk and CI live. */
const maxWorkers = Math.max(2, availableParallelism() - 1);

const BESIDE_THEIR_SUBJECT = ["lib", "rl-worker", "local", "components", "tests/arch", "tests/run"].map(
  (folder) => `${folder}/**`,
);

/** Pure code shares no state: one module graph for all files halves the time of `npm run check`. */
const shared = {
  pool: "threads" as const,
  isolate: false,
  maxWorkers,
  environment: "node" as const,
  testTimeout: 30_000,
};

/**
 * Four projects: pure code beside its subject, the same where a file computes for seconds (`*.long.test.ts`, left out of
 * `npm run check`), control plane, and what crosses processes.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: "unit",
          include: BESIDE_THEIR_SUBJECT.map((folder) => `${folder}/*.test.ts`),
          exclude: ["**/*.long.test.ts"],
        },
      },
      {
        test: {
          ...shared,
          name: "long",
          include: BESIDE_THEIR_SUBJECT.map((folder) => `${folder}/*.long.test.ts`),
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
