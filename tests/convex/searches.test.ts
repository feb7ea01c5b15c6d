/** Searches: configurations drawn on the server, each a walk-forward that any worker may run; the best go on. */
import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { claim, seedVersion } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";
import { gains, sliceOf } from "./walkForwardArgs";

let desk: Desk;
let datasetId: Id<"datasets">;
beforeEach(async () => {
  desk = await openDesk();
  ({ datasetId } = await seedVersion(desk));
});

const RANGES = [{ name: "learningRate", scale: "log" as const, min: 1e-4, max: 1e-2, choices: [] }];
const request = (change: object = {}) =>
  desk.operator.mutation(api.searches.console.request, {
    datasetId,
    algorithm: "ppo",
    fixed: { gamma: 0.98 },
    ranges: RANGES,
    configurations: 4,
    seed: 1,
    trainingSeeds: [1],
    folds: 1,
    firstSteps: 1_000,
    reduction: 2,
    rungs: 3,
    ...change,
  });
const get = (searchId: Id<"searches">) => desk.viewer.query(api.searches.console.get, { searchId });

/** Claims the next job as a worker would and finishes its walk-forward with this mean gain, or fails it. */
async function work(meanUsd: number | null): Promise<Record<string, number>> {
  const { job, lease } = await claim(desk);
  if (job.payload.kind !== "walkForward") throw new Error(`unexpected job ${job.kind}`);
  const { walkForwardId } = job.payload;
  const target = { ...lease, walkForwardId };
  const { recipe } = await desk.service.query(api.walkForwards.worker.get, { walkForwardId });
  if (meanUsd === null) {
    const reason = "training diverged";
    await desk.service.mutation(api.walkForwards.worker.abandon, { ...target, status: "failed", reason });
    const outcome = { status: "failed" as const, error: { code: "TRAINING_DIVERGED", message: reason } };
    await desk.service.mutation(api.ops.worker.finish, { ...lease, outcome });
    return recipe.hyperparameters;
  }
  const plain = sliceOf("seed:1", 0, gains(meanUsd, 3));
  const baselines = ["flat", "buyAndHold", "momentum", "random"].map((name) =>
    sliceOf(name, 0, name === "flat" ? gains(0, 5).fill(0) : gains(0, 5)),
  );
  const times = new Float64Array(plain.openTimesMs);
  const range = { testFromMs: times[0]!, testToMs: times.at(-1)! };
  await desk.service.mutation(api.walkForwards.worker.begin, {
    ...target,
    beginning: {
      foldRanges: [{ fold: 0, trainFromMs: 0, trainToMs: 1, ...range, trainRows: 100, testRows: 40 }],
      ...{
        purgeRows: 40,
        embargoRows: 600,
        environmentHash: "e".repeat(64),
        costModelId: "costs@test",
        kernel: "fused",
      },
    },
  });
  await desk.service.mutation(api.walkForwards.worker.record, {
    ...target,
    slices: [plain, { ...plain, lagBars: 1 }],
  });
  await desk.service.mutation(api.walkForwards.worker.record, { ...target, slices: baselines });
  await desk.service.mutation(api.walkForwards.worker.finish, target);
  const outcome = { status: "succeeded" as const, resultId: walkForwardId };
  await desk.service.mutation(api.ops.worker.finish, { ...lease, outcome });
  return recipe.hyperparameters;
}

describe("a search", () => {
  test("trains longer and keeps the better half on every rung, ends with the best, and counts every trial", async () => {
    const searchId = await request();
    const first: Record<string, number>[] = [];
    for (const mean of [1, 9, 5, -3]) first.push(await work(mean));
    expect(await get(searchId)).toMatchObject({ status: "running", rung: 1 });
    const second = [await work(2), await work(4)];
    expect(second).toEqual([first[1], first[2]]);
    const last = await work(8);
    expect(last).toEqual(first[2]);
    const done = await get(searchId);
    expect(done).toMatchObject({ status: "finished", best: { hyperparameters: last, steps: 4_000 } });
    expect(done.trials).toHaveLength(7);
    const trials = await desk.t.run((ctx) => ctx.db.query("trials").collect());
    expect(trials.filter((trial) => trial.kind === "search")).toHaveLength(7);
  });

  test("every configuration shares what is fixed and stays in its range", async () => {
    await request();
    for (let i = 0; i < 4; i++) {
      const { gamma, learningRate } = await work(1);
      expect(gamma).toBe(0.98);
      expect(learningRate).toBeGreaterThanOrEqual(1e-4);
      expect(learningRate).toBeLessThanOrEqual(1e-2);
    }
  });

  test("a configuration that diverges drops out; when all do the search fails and says so", async () => {
    const searchId = await request({ rungs: 1, configurations: 2 });
    await work(null);
    await work(3);
    expect(await get(searchId)).toMatchObject({ status: "finished" });
    const hopeless = await request({ rungs: 2, configurations: 2 });
    await work(null);
    await work(null);
    expect(await get(hopeless)).toMatchObject({
      status: "failed",
      error: expect.stringContaining("No configuration"),
    });
  });

  test("cancelling stops what waits; finished trials stay in the ledger", async () => {
    const searchId = await request();
    await work(1);
    await desk.operator.mutation(api.searches.console.cancel, { searchId });
    const { status, trials } = await get(searchId);
    expect(status).toBe("cancelled");
    expect(trials.map((trial) => trial.status)).toEqual(["finished", "cancelled", "cancelled", "cancelled"]);
    await expect(claim(desk)).rejects.toThrow("no job is queued");
    const counted = await desk.t.run((ctx) => ctx.db.query("trials").collect());
    expect(counted.filter((trial) => trial.kind === "search")).toHaveLength(1);
  });

  test.each([
    ["ranges.learningRate", { ranges: [{ ...RANGES[0]!, min: 0 }] }],
    ["configurations", { configurations: 1 }],
    ["fixed", { fixed: { learningRate: 0.001 } }],
    ["rungs", { rungs: 9 }],
  ])("with unusable %s is refused and queues nothing", async (field, change) => {
    await expectFailure(request(change), "INVALID_ARGUMENT", field);
    expect(await desk.viewer.query(api.searches.console.list, {})).toEqual([]);
  });
});

describe("a search by tree-structured Parzen estimators", () => {
  const RANDOM = 4;
  const tpe = (change: object = {}) => request({ sampler: "tpe", configurations: 7, rungs: 2, ...change });
  const near = ({ learningRate }: Record<string, number>) => -Math.abs(Math.log10(learningRate! / 2e-3));
  const rates = async (searchId: Id<"searches">) =>
    (await get(searchId)).trials
      .filter(({ rung }) => rung === 0)
      .sort((a, b) => a.index - b.index)
      .map(({ hyperparameters }) => hyperparameters.learningRate);
  /** Works every job that is queued, and all that follow from them, until the rung is done. */
  async function workAll(searchId: Id<"searches">) {
    while ((await get(searchId)).rung === 0) {
      const waiting = (await get(searchId)).trials.filter(({ status }) => status === "running");
      for (let i = 0; i < waiting.length; i++) await work(3 + near(waiting[i]!.hyperparameters));
    }
  }

  test("tries random ones first, then what the scores propose, and halves when the rung is full", async () => {
    const searchId = await tpe();
    expect((await get(searchId)).trials).toHaveLength(RANDOM);
    await workAll(searchId);
    expect(await rates(searchId)).toHaveLength(7);
    const { trials, rung } = await get(searchId);
    expect(rung).toBe(1);
    expect(trials.filter((trial) => trial.rung === 1)).toHaveLength(4);
  });

  test("cancelled between two batches and resumed, it proposes what it would have proposed unbroken", async () => {
    const unbroken = await tpe();
    await workAll(unbroken);
    await desk.operator.mutation(api.searches.console.cancel, { searchId: unbroken });

    const broken = await tpe();
    const drawn = (await get(broken)).trials;
    for (const trial of drawn.slice(0, 2)) await work(3 + near(trial.hyperparameters));
    await desk.operator.mutation(api.searches.console.cancel, { searchId: broken });
    expect((await get(broken)).status).toBe("cancelled");
    await desk.operator.mutation(api.searches.console.resume, { searchId: broken });
    for (const trial of drawn.slice(2)) await work(3 + near(trial.hyperparameters));
    await workAll(broken);
    expect(await rates(broken)).toEqual(await rates(unbroken));
  });
});

test("a search that was not cancelled does not resume", async () => {
  const searchId = await request();
  const resuming = desk.operator.mutation(api.searches.console.resume, { searchId });
  await expectFailure(resuming, "CONFLICT", "searchId");
});
