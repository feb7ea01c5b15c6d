/** Walk-forwards: recorded slice by slice, judged on the server, and needed for promotion. */
import type { FunctionArgs } from "convex/server";
import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { claim, seedVersion, TF_MS } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";
import {
  allSlices,
  beginWalkForward,
  gains,
  PLAN,
  runWalkForward,
  type SliceArgs,
  seedWalkForward,
  sliceOf,
} from "./walkForwardArgs";

let desk: Desk;
let version: Awaited<ReturnType<typeof seedVersion>>;
beforeEach(async () => {
  desk = await openDesk();
  version = await seedVersion(desk);
});

const request = (plan: Partial<typeof PLAN> = {}) =>
  desk.operator.mutation(api.walkForwards.console.requestForVersion, {
    versionId: version.versionId,
    plan: { ...PLAN, ...plan },
  });
const get = (walkForwardId: Id<"walkForwards">) =>
  desk.viewer.query(api.walkForwards.console.get, { walkForwardId });
const failing = (gates: { gate: string; passed: boolean }[]) =>
  gates.filter((gate) => !gate.passed).map((gate) => gate.gate);

describe("a finished walk-forward", () => {
  test("passes every gate when each seed earns through the folds, and counts as a trial", async () => {
    const id = await seedWalkForward(desk, version.versionId, 30);
    const report = await get(id);
    expect(failing(report.gates)).toEqual([]);
    const { sentence } = report.gates.find(({ gate }) => gate === "probes")!;
    expect(sentence).toMatch(/probes are clean\. Note: momentum12 correlates 0\.40; check the times\.$/);
    expect(report.summary).toMatchObject({ folds: 4, profitableFolds: 4 });
    expect(report.summary!.seeds).toHaveLength(5);
    expect(report.ledger).toMatchObject({ trialCount: 2, overfitting: { configurations: 1 } });
    const trials = await desk.t.run((ctx) => ctx.db.query("trials").collect());
    expect(trials.map((trial) => trial.kind)).toEqual(["training", "walkForward", "outcome"]);
    expect(trials[2]).toMatchObject({ walkForwardId: id, sharpePerDay: expect.any(Number) });
  });

  test("A-10: figures follow from the trades: net PnL, daily returns and the stitched drawdown", async () => {
    const id = await seedWalkForward(desk, version.versionId, 30);
    const slices = await desk.viewer.query(api.walkForwards.console.slices, { walkForwardId: id });
    const first = slices.find(
      (slice) => slice.subject === "seed:1" && slice.fold === 0 && slice.lagBars === 0,
    )!;
    const sum = gains(30, 100).reduce((total, gain) => total + gain, 0);
    expect(first.performance.netPnlUsd).toBeCloseTo(sum, 6);
    const curves = await desk.viewer.query(api.walkForwards.console.curves, { walkForwardId: id });
    const curve = curves.find(({ subject, fold }) => subject === "seed:1" && fold === 0)!;
    const growth = curve.returns.reduce((product, value) => product * (1 + value), 1);
    expect(growth).toBeCloseTo(1 + sum / 10_000, 9);
    const [trade] = await desk.viewer.query(api.walkForwards.console.trades, { sliceId: first._id, part: 0 });
    expect(trade!.pnlUsd).toBeCloseTo(gains(30, 100)[0]!, 9);
  });

  test("a recipe without an edge is refused by net PnL, costs, deflated Sharpe, superiority and the lag probe", async () => {
    const { gates } = await get(await seedWalkForward(desk, version.versionId, -5));
    expect(failing(gates)).toEqual(
      expect.arrayContaining([
        "walkForwardNetPnl",
        "walkForwardCosts",
        "walkForwardDsr",
        "walkForwardSpa",
        "trackRecord",
        "lagProbe",
      ]),
    );
  });

  test("the deflated Sharpe says how many trials it allows and how many were run", async () => {
    const { gates } = await get(await seedWalkForward(desk, version.versionId, 30));
    const { sentence } = gates.find(({ gate }) => gate === "walkForwardDsr")!;
    expect(sentence).toMatch(/: \d+ trials allowed, you ran 2\.$/);
  });

  test("configurations tried on the same dataset make the overfitting matrix", async () => {
    await seedWalkForward(desk, version.versionId, 30);
    const other = await desk.operator.mutation(api.agents.console.requestTraining, {
      datasetId: version.datasetId,
      algorithm: "ppo",
      steps: 2_000,
      seed: 1,
    });
    await claim(desk);
    const report = await get(await seedWalkForward(desk, other.versionId, 25));
    expect(report.ledger.overfitting.configurations).toBe(2);
    expect(report.ledger.overfitting.pbo).toBeGreaterThanOrEqual(0);
  });
});

const isOf = (slice: SliceArgs, condition: Partial<SliceArgs>) =>
  Object.entries(condition).every(([name, value]) => slice[name as keyof SliceArgs] === value);

describe("what is recorded", () => {
  async function begun() {
    const { walkForwardId } = await request();
    return beginWalkForward(desk, walkForwardId);
  }
  const record = (target: Awaited<ReturnType<typeof begun>>, slices: SliceArgs[]) =>
    desk.service.mutation(api.walkForwards.worker.record, { ...target, slices });

  test("A-10: a slice whose trades do not explain its equity leaves nothing behind", async () => {
    const target = await begun();
    const honest = sliceOf("seed:1", 0, gains(10, 1));
    const forged = { ...honest, trades: honest.trades.filter((trade) => trade.pnlUsd > 0) };
    await expectFailure(record(target, [honest, forged]), "INVALID_ARGUMENT", "slices");
    const { walkForwardId } = target;
    expect(await desk.viewer.query(api.walkForwards.console.slices, { walkForwardId })).toEqual([]);
  });

  test("a slice that does not cover its fold's test span is refused: nobody picks the days", async () => {
    const target = await begun();
    await expectFailure(
      record(target, [sliceOf("seed:1", 0, gains(10, 1).slice(5))]),
      "INVALID_ARGUMENT",
      "slices",
    );
    await expectFailure(record(target, [sliceOf("seed:1", 9, gains(10, 1))]), "INVALID_ARGUMENT", "fold");
  });

  test("W-04: what a lost worker recorded is kept and not doubled by the one that goes on", async () => {
    const target = await begun();
    const slices = [sliceOf("seed:1", 0, gains(10, 1))];
    await record(target, slices);
    await record(target, slices);
    const { recorded } = await desk.service.query(api.walkForwards.worker.get, {
      walkForwardId: target.walkForwardId,
    });
    expect(recorded).toEqual([{ subject: "seed:1", fold: 0 }]);
  });

  test("an unfinished one cannot be finished, and names what is missing", async () => {
    const target = await begun();
    for (const slices of allSlices(10).slice(0, 2)) await record(target, slices);
    const finishing = desk.service.mutation(api.walkForwards.worker.finish, target);
    await expect(finishing).rejects.toThrow(/Not finished: seed:1 has 1 of 4 folds/);
  });

  test("a slice that leaves bars out is refused: a fall between two bars would not show", async () => {
    const target = await begun();
    const own = sliceOf("seed:1", 0, gains(10, 1));
    const thinned = (bytes: ArrayBuffer) => {
      const values = new Float64Array(bytes);
      return Float64Array.from([...values.slice(0, 5), ...values.slice(6)]).buffer as ArrayBuffer;
    };
    const trades = own.trades.slice(0, 4).concat(
      // Two trades of the days around the missing bar, told as one.
      {
        ...own.trades[4]!,
        exitTimeMs: own.trades[5]!.exitTimeMs,
        exitPrice: own.trades[4]!.exitPrice + own.trades[5]!.exitPrice - 2_000,
        pnlUsd: own.trades[4]!.pnlUsd + own.trades[5]!.pnlUsd,
        feesUsd: 2,
      },
      own.trades.slice(6),
    );
    const slice = {
      ...own,
      trades,
      openTimesMs: thinned(own.openTimesMs),
      equityUsd: thinned(own.equityUsd),
    };
    await expect(record(target, [slice])).rejects.toThrow(/does not cover every bar/);
  });

  test("a slice whose bars go back in time or whose equity is no number is refused", async () => {
    const target = await begun();
    const own = sliceOf("seed:1", 0, gains(0, 1).fill(0));
    const changed = (bytes: ArrayBuffer, index: number, value: number) => {
      const values = new Float64Array(bytes).slice();
      values[index] = value;
      return values.buffer as ArrayBuffer;
    };
    const back = { ...own, openTimesMs: changed(own.openTimesMs, 5, 0) };
    await expect(record(target, [back])).rejects.toThrow(/Bar 5 is not later than the one before/);
    const nan = { ...own, equityUsd: changed(own.equityUsd, 5, Number.NaN) };
    await expect(record(target, [nan])).rejects.toThrow(/Equity of bar 5 is NaN/);
  });

  test.each([
    ["a stressed fold", "seed:3 at costs times 2 has 3 of 4 folds", { costMultiplier: 2 }],
    ["a late fold", "seed:3, 1 bar late, has 3 of 4 folds", { lagBars: 1 }],
  ])("one that lacks %s of one seed cannot be finished", async (_, sentence, condition) => {
    const target = await begun();
    for (const slices of allSlices(10)) {
      const kept = slices.filter(
        (slice) => !(slice.subject === "seed:3" && slice.fold === 3 && isOf(slice, condition)),
      );
      await record(target, kept);
    }
    const finishing = desk.service.mutation(api.walkForwards.worker.finish, target);
    await expect(finishing).rejects.toThrow(`Not finished: ${sentence}`);
  });

  test("W-05: the lease of another job records nothing", async () => {
    const first = await begun();
    const second = await begun();
    const slices = [sliceOf("seed:1", 0, gains(10, 1))];
    const mixed = { ...first, walkForwardId: second.walkForwardId };
    await expectFailure(record(mixed, slices), "LEASE_LOST", "walkForwardId");
  });

  type Beginning = FunctionArgs<typeof api.walkForwards.worker.begin>["beginning"];
  const goOn = async (change: (beginning: Beginning) => Partial<Beginning>) =>
    goOnWith(await begun(), change);
  const goOnWith = async (
    target: Awaited<ReturnType<typeof begun>>,
    change: (beginning: Beginning) => Partial<Beginning>,
  ) => {
    const row = await get(target.walkForwardId);
    const beginning: Beginning = {
      foldRanges: row.foldRanges,
      purgeRows: row.purgeRows!,
      embargoRows: row.embargoRows!,
      costModelId: row.costModelId!,
      environmentHash: row.environmentHash!,
      kernel: "fused",
    };
    return desk.service.mutation(api.walkForwards.worker.begin, {
      ...target,
      beginning: { ...beginning, ...change(beginning) },
    });
  };

  test("going on under another environment is refused", async () => {
    await expectFailure(
      goOn(() => ({ environmentHash: "f".repeat(64) })),
      "CONFLICT",
      "environmentHash",
    );
  });

  test("a worker with another kernel may go on, and the report says that bits may differ", async () => {
    const target = await begun();
    const said = async () => (await get(target.walkForwardId)).kernelSentence;
    expect(await said()).toMatch(/^Trained with fused: the same bits/);
    await goOnWith(target, () => ({ kernel: "baseline" }));
    expect(await get(target.walkForwardId)).toMatchObject({ kernels: ["fused", "baseline"] });
    expect(await said()).toMatch(/fused and baseline.*figures may differ/);
  });

  test("going on with other folds is refused: what is recorded belongs to those it began with", async () => {
    const moved = ({ foldRanges }: Beginning) => ({
      foldRanges: foldRanges.map((range) => ({ ...range, testToMs: range.testToMs - 1 })),
    });
    await expectFailure(goOn(moved), "CONFLICT", "foldRanges");
  });

  test.each([
    ["purgeRows", () => ({ purgeRows: 39 })],
    ["embargoRows", () => ({ embargoRows: 599 })],
    [
      "foldRanges",
      ({ foldRanges }: Beginning) => ({
        foldRanges: foldRanges.map((range) => ({ ...range, trainToMs: range.testFromMs - 600 * TF_MS })),
      }),
    ],
    ["foldRanges", ({ foldRanges }: Beginning) => ({ foldRanges: foldRanges.slice(1) })],
  ] as [string, (beginning: Beginning) => Partial<Beginning>][])(
    "a worker that leaves less between training and test than recipe and features ask for is refused: %s",
    async (field, change) => {
      await expectFailure(goOn(change), "INVALID_ARGUMENT", field);
    },
  );
});

test("the same recipe run again on a machine with another kernel says so on both", async () => {
  const first = await seedWalkForward(desk, version.versionId, 30);
  const { walkForwardId } = await request();
  await runWalkForward(desk, walkForwardId, 30, false, "baseline");
  const said = async (id: Id<"walkForwards">) => (await get(id)).kernelSentence;
  expect(await said(walkForwardId)).toMatch(
    /^Trained with baseline; the run of .* was trained with fused: last bits/,
  );
  expect(await said(first)).toMatch(/^Trained with fused; the run of .* was trained with baseline/);
});

test.each([
  ["folds", { folds: 0 }],
  ["folds", { folds: 13 }],
  ["trainFraction", { trainFraction: 0.95 }],
  ["seeds", { seeds: [1, 1] }],
  ["costMultipliers", { costMultipliers: [2] }],
])("a plan with unusable %s is refused before anything is queued", async (field, plan) => {
  await expectFailure(request(plan), "INVALID_ARGUMENT", field);
  expect(await desk.viewer.query(api.walkForwards.console.list, {})).toEqual([]);
});

test("cancelling the queued job cancels the walk-forward; resuming puts it back", async () => {
  const { walkForwardId, jobId } = await request();
  await desk.operator.mutation(api.ops.console.cancelJob, { jobId });
  expect(await get(walkForwardId)).toMatchObject({ status: "cancelled" });
  await desk.operator.mutation(api.walkForwards.console.resume, { walkForwardId });
  expect(await get(walkForwardId)).toMatchObject({ status: "queued" });
});

describe("the promotion policy", () => {
  const policy = () => desk.viewer.query(api.governance.console.gatePolicy, {});

  test("a new version is in force at once, is audited, and the old one stays to be read", async () => {
    const { values, version: before } = await policy();
    const id = await seedWalkForward(desk, version.versionId, 30);
    const stricter = { ...values, walkForward: { ...values.walkForward, minSeeds: 8 } };
    await desk.admin.mutation(api.governance.console.setGatePolicy, {
      values: stricter,
      reason: "more seeds",
    });
    const report = await get(id);
    expect(report.policyVersion).toBe(before + 1);
    expect(failing(report.gates)).toEqual(["seeds"]);
    const history = await desk.viewer.query(api.governance.console.gatePolicyHistory, {});
    expect(history).toMatchObject([{ version: before + 1, reason: "more seeds" }]);
  });

  test("K-06: only an admin sets it, with a reason, and only to thresholds that mean something", async () => {
    const { values } = await policy();
    const set = (who: "admin" | "operator", change: object, reason: string) =>
      desk[who].mutation(api.governance.console.setGatePolicy, { values: { ...values, ...change }, reason });
    await expectFailure(set("operator", {}, "as it is"), "FORBIDDEN");
    await expectFailure(set("admin", {}, " "), "INVALID_ARGUMENT", "reason");
    await expectFailure(set("admin", { minDsr: 95 }, "percent"), "INVALID_ARGUMENT", "minDsr");
    await expectFailure(set("admin", { minTrades: 0.5 }, "half a trade"), "INVALID_ARGUMENT", "minTrades");
  });
});
