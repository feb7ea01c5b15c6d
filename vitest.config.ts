import { defineConfig } from "vitest/config";

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
          testTimeout: 300_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
