/** What a run's worker compares, and when, against a double of the desk that records what is called. */
import { getFunctionName } from "convex/server";
import { describe, expect, test } from "vitest";
import type { Id } from "../../convex/_generated/dataModel";
import { DEFAULT_DRIFT_POLICY } from "../../lib/drift/policy";
import { featureReference, watchedColumns } from "../../lib/drift/reference";
import { CORE_V1 } from "../../lib/features/coreV1";
import type { ReadyBar } from "../infer/barPipeline";
import type { RunIdentity } from "../infer/decide";
import type { JobContext } from "./context";
import { DriftWatch } from "./driftWatch";

const POLICY = { ...DEFAULT_DRIFT_POLICY, windowBars: 50, checkEveryBars: 5 };
const TRAINED = Float64Array.from({ length: 400 }, (_, i) => (i % 20) / 20);
const identity = {
  run: { _id: "run", versionId: "model" },
  version: { spec: CORE_V1 },
} as unknown as RunIdentity;

interface Feature {
  name: string;
  psi: number;
}

/** A desk whose checks fail while `isDown`. */
function watchOf(isDown: () => boolean) {
  const checks: { barOpenTimeMs: number; features: Feature[] }[] = [];
  const reference = {
    versionId: "model",
    features: watchedColumns(CORE_V1).map((name) => ({ name, ...featureReference(TRAINED) })),
  };
  const desk = {
    onUpdate: (_query: unknown, _args: unknown, listen: (policy: typeof POLICY) => void) => {
      listen(POLICY);
      return () => {};
    },
    query: async () => reference,
    mutation: async (call: never, args: (typeof checks)[number]) => {
      expect(getFunctionName(call)).toBe("drift/worker:check");
      if (isDown()) throw new Error("the line is lost");
      checks.push(args);
    },
  };
  const log = { info: () => {}, error: () => {} };
  const context = { desk, lease: { jobId: "job", leaseToken: 1 }, log } as unknown as JobContext;
  return { watch: new DriftWatch(context, "run" as Id<"runs">), checks };
}

/** A bar whose columns have the training's values, but for one that lies far away. */
function ready(i: number, moved?: string): ReadyBar {
  const features = Float64Array.from(CORE_V1.columns, ({ name }) => (name === moved ? 9 : (i % 20) / 20));
  return { features } as ReadyBar;
}

async function bars(watch: DriftWatch, from: number, to: number, moved?: string) {
  for (let i = from; i < to; i++) {
    watch.observe(ready(i, moved));
    await watch.check(identity, i);
  }
}

describe("the watch of a run", () => {
  test("compares each column with its own reference, by name, and leaves out those of the calendar", async () => {
    const { watch, checks } = watchOf(() => false);
    await bars(watch, 0, 50, "rsi14");
    const { features } = checks.at(-1)!;
    expect(features.map(({ name }) => name)).toEqual(watchedColumns(CORE_V1));
    expect(features.some(({ name }) => /session|day|week/.test(name))).toBe(false);
    expect(features.filter(({ psi }) => psi > 1).map(({ name }) => name)).toEqual(["rsi14"]);
  });

  test("A-09: a check that did not arrive is due again at the next bar, not a whole interval later", async () => {
    let isDown = true;
    const { watch, checks } = watchOf(() => isDown);
    await bars(watch, 0, 55);
    expect(checks).toEqual([]);
    isDown = false;
    await bars(watch, 55, 62);
    expect(checks.map(({ barOpenTimeMs }) => barOpenTimeMs)).toEqual([55, 60]);
  });
});
