/** Drives a learning cycle as workers would: each helper does the job that the cycle waits for. */
import { api, internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { DEFAULT_LEARNING_POLICY } from "../../lib/learning/policy";
import { evaluationArgs, recordEvaluation } from "./evaluationArgs";
import { claim, datasetArgs, INSTRUMENT, SOURCE, trainingResult } from "./seed";
import type { Desk } from "./setup";
import { PLAN, runWalkForward } from "./walkForwardArgs";

export const MARKET = { instrument: INSTRUMENT, timeframe: "15m" as const };

/** Two days of bars: one to train on, one to be evaluated on; the walk-forward of the other tests. */
export const POLICY = {
  ...DEFAULT_LEARNING_POLICY,
  ...{ source: SOURCE, sourceTimeframe: "15m" as const, steps: 1_000 },
  ...{ trainingDays: 1, evaluationDays: 1 },
  ...{ seeds: PLAN.seeds, folds: PLAN.folds, costMultipliers: PLAN.costMultipliers },
  shadow: { ...DEFAULT_LEARNING_POLICY.shadow, minBars: 20, maxBars: 400, bound: 0.01, tolerance: 0.0001 },
};

/** Three wins of 40 for each loss of 20 passes every gate of an evaluation; its mirror passes none. */
export const GOOD = Array.from({ length: 40 }, (_, i) => (i % 4 === 3 ? -20 : 40 + (i % 5)));
export const FAIR = GOOD.map((gain) => gain - 3);
export const BAD = Array.from({ length: 40 }, (_, i) => (i % 4 === 3 ? 20 : -40));

export type Policy = Omit<typeof POLICY, "hyperparameters"> & { hyperparameters: Record<string, number> };

export function setPolicy(desk: Desk, change: Partial<Policy> = {}) {
  const values = { ...POLICY, ...change };
  return desk.admin.mutation(api.learning.console.setPolicy, { ...MARKET, values, reason: "a test" });
}

export const start = (desk: Desk) => desk.operator.mutation(api.learning.console.start, MARKET);
export const cycleOf = (desk: Desk, cycleId: Id<"learningCycles">) =>
  desk.viewer.query(api.learning.console.cycle, { cycleId });
/** What was scheduled for now begins with the next timer, and is then waited for. */
export async function settle(desk: Desk) {
  await new Promise((resolve) => setTimeout(resolve, 2));
  await desk.t.finishInProgressScheduledFunctions();
}

type Lease = Awaited<ReturnType<typeof claim>>["lease"];

async function finish(desk: Desk, lease: Lease, resultId: string) {
  const outcome = { status: "succeeded" as const, resultId };
  await desk.service.mutation(api.ops.worker.finish, { ...lease, outcome });
  await settle(desk);
}

/** Builds the dataset that the cycle asked for. */
export async function doDataset(desk: Desk, note: string) {
  const { job, lease } = await claim(desk);
  if (job.payload.kind !== "datasetBuild") throw new Error(`claimed ${job.payload.kind}`);
  const args = await datasetArgs(desk, note);
  const id = await desk.service.mutation(api.datasets.worker.record, { ...lease, ...args });
  await finish(desk, lease, id);
}

export async function doTraining(desk: Desk, seed = 9) {
  const { job, lease } = await claim(desk);
  if (job.payload.kind !== "train") throw new Error(`claimed ${job.payload.kind}`);
  const { versionId } = job.payload;
  const version = await desk.viewer.query(api.agents.console.get, { versionId });
  await desk.service.mutation(api.agents.worker.markTraining, { ...lease, versionId });
  const result = await trainingResult(desk, version.datasetHash, version.seed ?? seed);
  await desk.service.mutation(api.agents.worker.complete, { ...lease, versionId, result });
  await finish(desk, lease, versionId);
}

export async function doWalkForward(desk: Desk, cycleId: Id<"learningCycles">, meanUsd: number) {
  const { walkForwardId } = await cycleOf(desk, cycleId);
  const { champion } = await desk.viewer.query(api.walkForwards.console.get, {
    walkForwardId: walkForwardId!,
  });
  await runWalkForward(desk, walkForwardId!, meanUsd, champion !== undefined);
  await settle(desk);
}

export async function doEvaluation(desk: Desk, gainsUsd: number[]) {
  const { job, lease } = await claim(desk);
  if (job.payload.kind !== "evaluate") throw new Error(`claimed ${job.payload.kind}`);
  const { versionId, fromMs, toMs } = job.payload;
  const { datasetId, datasetHash, artifactSha256 } = await desk.viewer.query(api.agents.console.get, {
    versionId,
  });
  const version = { versionId, datasetId, datasetHash, artifactSha256: artifactSha256! };
  const args = evaluationArgs(version, lease, { fromMs, toMs }, gainsUsd);
  const id = await recordEvaluation(desk, args);
  await finish(desk, lease, id);
}

/** A cycle from its start to where its gates are judged. */
export async function throughGates(
  desk: Desk,
  { meanUsd = 30, gainsUsd = GOOD, championGainsUsd = FAIR, note = "window" } = {},
) {
  const cycleId = await start(desk);
  await doDataset(desk, note);
  await doTraining(desk);
  await doWalkForward(desk, cycleId, meanUsd);
  await doEvaluation(desk, gainsUsd);
  if ((await cycleOf(desk, cycleId)).status === "championEvaluation")
    await doEvaluation(desk, championGainsUsd);
  return cycleId;
}

/** The minute's sweep. */
export async function tick(desk: Desk) {
  await desk.t.mutation(internal.learning.internal.tick, {});
  await settle(desk);
}
