import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { LIMITS } from "../../lib/contract/limits";
import { appendBars, bar, beginTraining, claim, seedDataset, trainingResult } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";

let desk: Desk;
let datasetId: Id<"datasets">;
beforeEach(async () => {
  desk = await openDesk();
  await appendBars(desk, [bar(0, 2_000)]);
  datasetId = await seedDataset(desk);
});

type Training = Awaited<ReturnType<typeof beginTraining>>;
const version = (versionId: Id<"agentVersions">) => desk.viewer.query(api.agents.console.get, { versionId });

const point = (sequence: number) => ({
  sequence,
  environmentSteps: sequence * 100,
  meanEpisodeReturn: sequence === 0 ? null : sequence,
  policyLoss: 0.1,
  valueLoss: 0.2,
  entropy: 1,
  approxKl: 0.01,
  clipFraction: 0.1,
  explainedVariance: 0.5,
  learningRate: 3e-4,
  stepsPerSecond: 1_000,
  etaSeconds: 1,
});
const append = ({ versionId, lease }: Training, points: ReturnType<typeof point>[]) =>
  desk.service.mutation(api.agents.worker.appendTrainingPoints, { ...lease, versionId, points });

describe("requesting a training", () => {
  const request = (change: { steps?: number; seed?: number }) =>
    desk.operator.mutation(api.agents.console.requestTraining, {
      ...{ datasetId, algorithm: "ppo", steps: 1_000, seed: 1, ...change },
    });
  test.each([
    ["steps", 0],
    ["steps", 1.5],
    ["steps", LIMITS.trainingStepsMax + 1],
    ["seed", -1],
    ["seed", 2 ** 32],
    ["seed", 0.5],
  ])("refuses %s = %d and names the field", async (field, value) => {
    await expectFailure(request({ [field]: value }), "INVALID_ARGUMENT", field);
  });

  test("A-02: a dataset that failed its quality check cannot be trained on", async () => {
    await desk.t.run(async (ctx) => {
      const dataset = await ctx.db.get(datasetId);
      await ctx.db.patch(datasetId, { quality: { ...dataset!.quality, verdict: "failed", coveragePct: 12 } });
    });
    await expectFailure(request({}), "NO_DATA", "datasetId");
  });
});

describe("the training curve", () => {
  test("W-04: a resumed training repeats points; none is stored twice or changed", async () => {
    const training = await beginTraining(desk, datasetId);
    await append(training, [point(0), point(1), point(2)]);
    await append(training, [{ ...point(1), entropy: 9 }, { ...point(2), entropy: 9 }, point(3)]);
    await append(training, [point(3)]);
    const curve = await desk.viewer.query(api.agents.console.trainingCurve, {
      versionId: training.versionId,
    });
    expect(curve.map(({ versionId: _, ...fields }) => fields)).toEqual([0, 1, 2, 3].map(point));
  });

  test("W-04: a repeated old batch does not move the version's step count back", async () => {
    const training = await beginTraining(desk, datasetId);
    await append(training, [point(5)]);
    await append(training, [point(4)]);
    expect(await version(training.versionId)).toMatchObject({ environmentSteps: 500 });
  });
});

test("a DQN training keeps its own curve, and an artifact of another algorithm is refused for it", async () => {
  const request = { datasetId, algorithm: "dqn" as const, steps: 1_000, seed: 1 };
  const { versionId } = await desk.operator.mutation(api.agents.console.requestTraining, request);
  const { lease } = await claim(desk);
  const { sequence, environmentSteps, meanEpisodeReturn, learningRate, stepsPerSecond, etaSeconds } =
    point(1);
  const shared = { sequence, environmentSteps, meanEpisodeReturn, learningRate, stepsPerSecond, etaSeconds };
  const own = { ...shared, loss: 0.1, meanQ: 2, tdError: 0.3, epsilon: 0.05, updates: 9 };
  await desk.service.mutation(api.agents.worker.appendTrainingPoints, { ...lease, versionId, points: [own] });
  expect(await desk.viewer.query(api.agents.console.trainingCurve, { versionId })).toEqual([
    { versionId, ...own },
  ]);
  const { datasetHash } = await desk.service.query(api.datasets.worker.get, { datasetId });
  const result = await trainingResult(desk, datasetHash, 1);
  const complete = desk.service.mutation(api.agents.worker.complete, { ...lease, versionId, result });
  await expectFailure(complete, "ARTIFACT_HASH_MISMATCH", "manifest");
});

test("a training whose job is cancelled in the queue is cancelled too", async () => {
  const request = { datasetId, algorithm: "ppo" as const, steps: 10, seed: 1 };
  const { versionId, jobId } = await desk.operator.mutation(api.agents.console.requestTraining, request);
  await desk.operator.mutation(api.ops.console.cancelJob, { jobId });
  expect(await version(versionId)).toMatchObject({ status: "cancelled", error: "cancelled before it began" });
});

test("a cancelled training resumes as queued and is trained on under a new token", async () => {
  const { versionId, lease } = await beginTraining(desk, datasetId);
  const stopped = { ...lease, versionId, status: "cancelled" as const, reason: "stopped; resume to go on" };
  await desk.service.mutation(api.agents.worker.abandon, stopped);
  await desk.service.mutation(api.ops.worker.finish, { ...lease, outcome: { status: "cancelled" } });
  expect(await version(versionId)).toMatchObject({ status: "cancelled", error: stopped.reason });
  await desk.operator.mutation(api.agents.console.resumeTraining, { versionId });
  const resumed = await version(versionId);
  expect(resumed).toMatchObject({ status: "queued" });
  expect(resumed.error).toBeUndefined();
  expect((await claim(desk)).lease.leaseToken).toBe(lease.leaseToken + 1);
});

describe("names of versions", () => {
  const request = (change: { steps?: number; hyperparameters?: Record<string, number>; name?: string }) =>
    desk.operator.mutation(api.agents.console.requestTraining, {
      ...{ datasetId, algorithm: "ppo" as const, steps: 300_000, seed: 1, ...change },
    });
  const named = async (change: Parameters<typeof request>[0]) =>
    (await version((await request(change)).versionId)).name;

  test("say how each was made, and no two are alike: not for other steps, other settings or the same again", async () => {
    expect(await named({})).toMatch(/^ppo-15m-300k-s1-[0-9a-f]{6}$/);
    expect(await named({ steps: 50_000 })).toMatch(/^ppo-15m-50k-s1-/);
    expect(await named({ hyperparameters: { gamma: 0.98 } })).toMatch(/^ppo-15m-300k-gamma=0.98-s1-/);
    expect(await named({})).toMatch(/^ppo-15m-300k-s1-[0-9a-f]{6}-2$/);
    expect(await named({})).toMatch(/-3$/);
  });

  test("a name that is taken or empty is refused and queues nothing", async () => {
    await request({ name: "mine" });
    await expectFailure(request({ name: " mine " }), "CONFLICT", "name");
    await expectFailure(request({ name: " " }), "INVALID_ARGUMENT", "name");
    expect(await desk.viewer.query(api.agents.console.list, {})).toHaveLength(1);
  });

  test("two versions of an older desk that share a name keep it", async () => {
    const first = await request({ name: "old" });
    const second = await request({ name: "other" });
    await desk.t.run((ctx) => ctx.db.patch(second.versionId, { name: "old" }));
    await expectFailure(request({ name: "old" }), "CONFLICT", "name");
    expect((await version(first.versionId)).name).toBe("old");
    expect((await version(second.versionId)).name).toBe("old");
  });
});
