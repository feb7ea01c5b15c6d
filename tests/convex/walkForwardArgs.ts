/** Walk-forwards as a worker hands them in: slices whose trades make given daily gains. */
import type { FunctionArgs } from "convex/server";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { float64ToBytes } from "../../lib/core/bytes";
import { createPrng } from "../../lib/core/prng";
import { PROBES } from "../../lib/stats/walkForwardGates";
import { claim, T0 } from "./seed";
import type { Desk } from "./setup";

export type SliceArgs = FunctionArgs<typeof api.walkForwards.worker.record>["slices"][0];
const DAY_MS = 86_400_000;
const INITIAL_USD = 10_000;
const DAYS_PER_FOLD = 40;

export const PLAN = {
  folds: 4,
  mode: "expanding" as const,
  trainFraction: 0.5,
  seeds: [1, 2, 3, 4, 5],
  costMultipliers: [1, 2],
  probes: true,
};

const bytes = (values: number[]) => float64ToBytes(Float64Array.from(values)).slice().buffer as ArrayBuffer;
const foldStartMs = (fold: number) => T0 + fold * DAYS_PER_FOLD * DAY_MS;

/** One bar a day; a long trade of a day for each gain that is not zero. */
export function sliceOf(
  subject: string,
  fold: number,
  gainsUsd: number[],
  change: Partial<SliceArgs> = {},
): SliceArgs {
  const equity = [INITIAL_USD];
  for (const gain of gainsUsd) equity.push(equity.at(-1)! + gain);
  const times = equity.map((_, day) => foldStartMs(fold) + day * DAY_MS);
  const trades = gainsUsd.flatMap((gain, day) =>
    gain === 0
      ? []
      : [
          {
            entryTimeMs: times[day]!,
            exitTimeMs: times[day + 1]!,
            side: "long" as const,
            qty: 1,
            entryPrice: 2_000,
            exitPrice: 2_000 + gain + 1,
            pnlUsd: gain,
            feesUsd: 1,
            slippageUsd: 0.1,
            fundingUsd: 0,
            exitReason: "order" as const,
          },
        ],
  );
  const isSeed = subject.includes(":");
  return {
    subject,
    fold,
    costMultiplier: 1,
    lagBars: 0,
    entropy: isSeed ? 0.5 : null,
    calibrationError: isSeed ? 0.02 : null,
    artifactSha256: isSeed ? "a".repeat(64) : null,
    trades,
    openTimesMs: bytes(times),
    equityUsd: bytes(equity),
    ...change,
  };
}

/** Daily gains around a mean; `seed` chooses the noise. */
export function gains(meanUsd: number, seed: number): number[] {
  const random = createPrng(seed);
  return Array.from({ length: DAYS_PER_FOLD - 1 }, () => meanUsd + 20 * random.nextGaussian());
}

export async function beginWalkForward(desk: Desk, walkForwardId: Id<"walkForwards">, kernel = "fused") {
  const { lease } = await claim(desk);
  const target = { ...lease, walkForwardId };
  await desk.service.mutation(api.walkForwards.worker.begin, {
    ...target,
    beginning: {
      foldRanges: Array.from({ length: PLAN.folds }, (_, fold) => ({
        fold,
        trainFromMs: 0,
        trainToMs: foldStartMs(fold) - 8 * DAY_MS,
        testFromMs: foldStartMs(fold),
        testToMs: foldStartMs(fold) + (DAYS_PER_FOLD - 1) * DAY_MS,
        trainRows: 100,
        testRows: DAYS_PER_FOLD,
      })),
      purgeRows: 40,
      embargoRows: 600,
      environmentHash: "e".repeat(64),
      costModelId: "costs@test",
      kernel,
    },
  });
  return target;
}

/** Every slice of the plan: seeds at each cost and one bar late, the champion that earns nothing, the baselines. */
export function allSlices(meanUsd: number, withChampion = false): SliceArgs[][] {
  const groups: SliceArgs[][] = [];
  for (let fold = 0; fold < PLAN.folds; fold++) {
    for (const seed of PLAN.seeds) {
      const own = gains(meanUsd, 100 * seed + fold);
      const subject = `seed:${seed}`;
      groups.push([
        sliceOf(subject, fold, own),
        sliceOf(
          subject,
          fold,
          own.map((gain) => gain - 1),
          { costMultiplier: 2 },
        ),
        sliceOf(
          subject,
          fold,
          own.map((gain) => gain - 1),
          { lagBars: 1 },
        ),
      ]);
    }
    for (const seed of withChampion ? PLAN.seeds : []) {
      groups.push([sliceOf(`champion:${seed}`, fold, gains(0, 9 * seed + fold))]);
    }
    groups.push([
      sliceOf(
        "flat",
        fold,
        gains(0, 1).map(() => 0),
      ),
      sliceOf("buyAndHold", fold, gains(-1, 7 + fold)),
      sliceOf("momentum", fold, gains(-2, 70 + fold)),
      sliceOf("random", fold, gains(-3, 700 + fold)),
    ]);
  }
  return groups;
}

/** Runs one to its end as a worker would; `meanUsd` is what a day earns. */
export async function seedWalkForward(
  desk: Desk,
  versionId: Id<"agentVersions">,
  meanUsd: number,
  withChampion = false,
): Promise<Id<"walkForwards">> {
  const { walkForwardId } = await desk.operator.mutation(api.walkForwards.console.requestForVersion, {
    versionId,
    plan: PLAN,
  });
  await runWalkForward(desk, walkForwardId, meanUsd, withChampion);
  return walkForwardId;
}

const WARNINGS: Partial<Record<string, string>> = {
  causality: "momentum12 correlates 0.40; check the times.",
};

/** The same for one that is queued already. */
export async function runWalkForward(
  desk: Desk,
  walkForwardId: Id<"walkForwards">,
  meanUsd: number,
  withChampion = false,
  kernel?: string,
): Promise<void> {
  const target = await beginWalkForward(desk, walkForwardId, kernel);
  for (const slices of allSlices(meanUsd, withChampion)) {
    await desk.service.mutation(api.walkForwards.worker.record, { ...target, slices });
  }
  for (const probe of PROBES) {
    await desk.service.mutation(api.walkForwards.worker.probe, {
      ...target,
      probe: { probe, passed: true, sentence: `${probe} is clean.`, warning: WARNINGS[probe] },
    });
  }
  await desk.service.mutation(api.walkForwards.worker.finish, target);
  const { walkForwardId: _id, ...lease } = target;
  const outcome = { status: "succeeded" as const, resultId: walkForwardId };
  await desk.service.mutation(api.ops.worker.finish, { ...lease, outcome });
}
