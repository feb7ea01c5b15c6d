/** What an operator might do to make the ledger forget a trial: none of it works. */
import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { countTrials } from "../../lib/stats/trialCount";
import { claimEvaluation, evaluationArgs } from "./evaluationArgs";
import {
  appendBars,
  bar,
  beginTraining,
  claim,
  type DatasetChange,
  INSTRUMENT,
  SOURCE,
  seedDataset,
  seedVersion,
  T0,
  TF_MS,
  trainingResult,
} from "./seed";
import { type Desk, openDesk } from "./setup";
import { allSlices, beginWalkForward, PLAN, seedWalkForward } from "./walkForwardArgs";

let desk: Desk;
let version: Awaited<ReturnType<typeof seedVersion>>;
beforeEach(async () => {
  desk = await openDesk();
  version = await seedVersion(desk);
});

const counted = (instrument = INSTRUMENT) =>
  desk.viewer.query(api.evaluations.console.ledger, { instrument }).then(({ trials }) => trials);
const walked = async (walkForwardId: Id<"walkForwards">) =>
  (await desk.viewer.query(api.walkForwards.console.get, { walkForwardId })).ledger;
const cancelled = { status: "cancelled" as const, reason: "the curve looked bad" };

describe("a trial that was begun stays counted", () => {
  test("when its training is cancelled once the curve was seen, and once however often it is resumed", async () => {
    const { versionId, lease } = await beginTraining(desk, version.datasetId, 8);
    expect(await counted()).toBe(2);
    await desk.service.mutation(api.agents.worker.abandon, { ...lease, versionId, ...cancelled });
    await desk.service.mutation(api.ops.worker.finish, { ...lease, outcome: { status: "cancelled" } });
    expect(await counted()).toBe(2);
    await desk.operator.mutation(api.agents.console.resumeTraining, { versionId });
    const again = await claim(desk);
    await desk.service.mutation(api.agents.worker.markTraining, { ...again.lease, versionId });
    const result = await trainingResult(desk, version.datasetHash, 8);
    await desk.service.mutation(api.agents.worker.complete, { ...again.lease, versionId, result });
    expect(await counted()).toBe(2);
  });

  test("when its walk-forward is cancelled after the first folds were seen", async () => {
    const { walkForwardId } = await desk.operator.mutation(api.walkForwards.console.requestForVersion, {
      versionId: version.versionId,
      plan: PLAN,
    });
    expect(await counted()).toBe(1);
    const target = await beginWalkForward(desk, walkForwardId);
    for (const slices of allSlices(-10).slice(0, 3)) {
      await desk.service.mutation(api.walkForwards.worker.record, { ...target, slices });
    }
    await desk.service.mutation(api.walkForwards.worker.abandon, { ...target, ...cancelled });
    expect(await counted()).toBe(2);
  });

  test("when its search is cancelled half-way: those under way count, those that waited do not", async () => {
    const searchId = await desk.operator.mutation(api.searches.console.request, {
      datasetId: version.datasetId,
      algorithm: "ppo",
      fixed: {},
      ranges: [{ name: "learningRate", scale: "log", min: 1e-4, max: 1e-2, choices: [] }],
      ...{
        configurations: 4,
        seed: 1,
        trainingSeeds: [1],
        folds: 4,
        firstSteps: 1_000,
        reduction: 2,
        rungs: 2,
      },
    });
    const { trials } = await desk.viewer.query(api.searches.console.get, { searchId });
    for (const { walkForwardId } of trials.slice(0, 2)) await beginWalkForward(desk, walkForwardId);
    await desk.operator.mutation(api.searches.console.cancel, { searchId });
    expect(await counted()).toBe(3);
  });

  test("when its dataset is gone", async () => {
    await desk.t.run((ctx) => ctx.db.delete(version.datasetId));
    expect(await counted()).toBe(1);
  });
});

describe("a trial counts wherever the result is judged", () => {
  const again = async (note: string, change: DatasetChange) => {
    await appendBars(desk, [bar(0, 2_000)], "15m", SOURCE, "PAXG-USDT");
    const datasetId = await seedDataset(desk, note, change);
    await beginTraining(desk, datasetId, 9);
    return datasetId;
  };

  test.each([
    ["the same period snapshot once more", {}],
    ["another range of it", { fromMs: T0 - 150 * TF_MS }],
    ["the period moved by a bar", { fromMs: T0 - 199 * TF_MS, toMs: T0 + TF_MS }],
    ["another timeframe", { timeframe: "5m" }],
    ["the same price under another name", { instrument: "PAXG-USDT" }],
  ] as const)("on %s", async (note, change) => {
    await again(note, change);
    expect(await counted()).toBe(2);
    expect(await counted("PAXG-USDT")).toBe(2);
  });

  test("and deflates the walk-forward of the first: its ledger grows with every one", async () => {
    const id = await seedWalkForward(desk, version.versionId, 30);
    const before = (await walked(id)).trialCount;
    await again("one", { timeframe: "5m" });
    await again("two", { instrument: "PAXG-USDT" });
    expect((await walked(id)).trialCount).toBe(before + 2);
  });

  test("and its recipe stands in the overfitting matrix, on a dataset that was built anew as well", async () => {
    await seedWalkForward(desk, version.versionId, 30);
    const datasetId = await seedDataset(desk, "moved by a bar", {
      fromMs: T0 - 199 * TF_MS,
      toMs: T0 + TF_MS,
    });
    const request = { datasetId, algorithm: "ppo" as const, steps: 2_000, seed: 1 };
    const other = await desk.operator.mutation(api.agents.console.requestTraining, request);
    await claim(desk);
    const chosen = await seedWalkForward(desk, other.versionId, 40);
    expect((await walked(chosen)).overfitting.configurations).toBe(2);
  });
});

test("evaluating one version on range after range counts every range after the first", async () => {
  const first = await claimEvaluation(desk, version, [50, 60]);
  await desk.service.mutation(api.evaluations.worker.record, first);
  const finish = (jobId: Id<"jobs">, leaseToken: number) =>
    desk.service.mutation(api.ops.worker.finish, { jobId, leaseToken, outcome: { status: "succeeded" } });
  await finish(first.evaluation.jobId, first.leaseToken);
  expect(await counted()).toBe(1);
  for (const bars of [100, 101]) {
    const range = { fromMs: T0, toMs: T0 + bars * TF_MS };
    const request = {
      versionId: version.versionId,
      source: SOURCE,
      sourceTimeframe: "15m" as const,
      ...range,
    };
    await desk.operator.mutation(api.evaluations.console.request, request);
    const { lease } = await claim(desk);
    await desk.service.mutation(
      api.evaluations.worker.record,
      evaluationArgs(version, lease, range, [50, 60]),
    );
    await finish(lease.jobId, lease.leaseToken);
  }
  expect(await counted()).toBe(3);
});

test("a ledger full of trials that do nothing does not lower the bar: their variance is at least luck's", async () => {
  const id = await seedWalkForward(desk, version.versionId, 30);
  const before = await walked(id);
  await desk.t.run(async (ctx) => {
    for (let i = 0; i < 50; i++) {
      const idle = {
        instrument: INSTRUMENT,
        timeframe: "15m",
        recipeHash: `idle ${i}`,
        sharpePerDay: 0,
        atMs: i,
      };
      await ctx.db.insert("trials", { ...idle, kind: "outcome" });
    }
  });
  const { sharpeVariance } = await walked(id);
  expect(sharpeVariance).toBeGreaterThanOrEqual(before.sharpeVariance);
});

test("the count is that of the rows, and the rows are what lib/stats/trialCount counts", async () => {
  await seedWalkForward(desk, version.versionId, 30);
  const rows = await desk.t.run((ctx) => ctx.db.query("trials").collect());
  expect(await counted()).toBe(countTrials(rows));
});
