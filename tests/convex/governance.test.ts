/** Evaluations, trials, gates and promotions. */
import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { baselineArgs, claimEvaluation, type EvaluationArgs, recordEvaluation } from "./evaluationArgs";
import { START } from "./runDriver";
import { beginTraining, seedVersion, trainingResult } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";
import { seedWalkForward } from "./walkForwardArgs";

type Version = Awaited<ReturnType<typeof seedVersion>>;
let desk: Desk;
let version: Version;
beforeEach(async () => {
  desk = await openDesk();
  version = await seedVersion(desk);
});

/** Three wins of 40 for each loss of 20: passes every gate of the default policy. */
const GOOD = Array.from({ length: 40 }, (_, i) => (i % 4 === 3 ? -20 : 40 + (i % 5)));
const BAD = Array.from({ length: 40 }, (_, i) => (i % 4 === 3 ? 20 : -40));
const record = (args: EvaluationArgs) => desk.service.mutation(api.evaluations.worker.record, args);
const evaluate = async (gains: number[], of = version) =>
  recordEvaluation(desk, await claimEvaluation(desk, of, gains));
const promote = (versionId: Id<"agentVersions">) =>
  desk.operator.mutation(api.governance.console.promote, { versionId });
const status = async (versionId: Id<"agentVersions">) =>
  (await desk.viewer.query(api.agents.console.get, { versionId })).status;
const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

/** A second trained version on the same dataset. */
async function anotherVersion(): Promise<Version> {
  const { versionId, lease } = await beginTraining(desk, version.datasetId, 8);
  const result = await trainingResult(desk, version.datasetHash, 8);
  await desk.service.mutation(api.agents.worker.complete, { ...lease, versionId, result });
  return { ...version, versionId, artifactSha256: result.artifactSha256 };
}

describe("evaluations", () => {
  test("A-10: the figures are computed here from trades and equity, and the evaluation counts as evidence", async () => {
    const evaluationId = await evaluate(GOOD);
    const stored = await desk.viewer.query(api.evaluations.console.get, { evaluationId });
    expect(stored.performance).toMatchObject({ tradeCount: 40, winRate: 0.75, bars: 81, liquidations: 0 });
    expect(stored.performance.netPnlUsd).toBeCloseTo(sum(GOOD), 6);
    expect(stored.performance.costs.feesUsd).toBeCloseTo(80, 6);
    expect(stored).toMatchObject({ trialCount: 1, trialsNow: 1, simulated: false });
    const trades = await desk.viewer.query(api.evaluations.console.trades, { evaluationId, part: 0 });
    expect(trades.map((trade) => trade.pnlUsd)).toEqual(GOOD);
    const { equityUsd } = await desk.viewer.query(api.evaluations.console.equity, { evaluationId });
    expect(equityUsd.at(-1)).toBeCloseTo(10_000 + sum(GOOD), 6);
  });

  type Trade = EvaluationArgs["tradeParts"][0]["trades"][0];
  const forge = (args: EvaluationArgs, change: (trades: Trade[]) => Trade[]): EvaluationArgs => ({
    ...args,
    tradeParts: [{ trades: change(args.tradeParts[0]!.trades) }],
  });
  const forged: [string, (trades: Trade[]) => Trade[]][] = [
    ["a profit its prices do not give", ([first, ...rest]) => [{ ...first!, pnlUsd: 500 }, ...rest]],
    [
      "a better exit than equity shows",
      ([first, ...rest]) => [{ ...first!, exitPrice: 2_600, pnlUsd: 598 }, ...rest],
    ],
    ["a losing trade left out", (trades) => trades.filter((trade) => trade.pnlUsd > 0)],
    ["an overlapping trade", ([first, second, ...rest]) => [first!, { ...second!, entryTimeMs: 0 }, ...rest]],
  ];
  test.each(forged)("A-10: %s is refused and leaves no evaluation and no trial", async (_, change) => {
    const args = await claimEvaluation(desk, version, GOOD);
    await expectFailure(record(forge(args, change)), "INVALID_ARGUMENT", "trades");
    expect(await desk.viewer.query(api.evaluations.console.list, {})).toEqual([]);
    const trials = await desk.t.run((ctx) => ctx.db.query("trials").collect());
    expect(trials.map((trial) => trial.kind)).toEqual(["training"]);
  });

  const foreign: [string, (args: EvaluationArgs["evaluation"]) => Partial<EvaluationArgs["evaluation"]>][] = [
    ["artifactSha256", () => ({ artifactSha256: "0".repeat(64) })],
    ["datasetHash", () => ({ datasetHash: "0".repeat(64) })],
    ["instrument", () => ({ instrument: "PAXG-USDT" })],
    ["fromMs", ({ fromMs }) => ({ fromMs: fromMs + 1 })],
  ];
  test.each(foreign)(
    "A-10: an evaluation with another %s than was asked for is no evidence",
    async (field, change) => {
      const args = await claimEvaluation(desk, version, GOOD);
      const evaluation = { ...args.evaluation, ...change(args.evaluation) };
      await expectFailure(record({ ...args, evaluation }), "INVALID_ARGUMENT", field);
    },
  );

  test("A-10: bars of another range than was asked for are refused: nobody picks the days", async () => {
    const args = await claimEvaluation(desk, version, GOOD);
    const moved = (bytes: ArrayBuffer) =>
      new Float64Array(bytes).map((timeMs) => timeMs - 900_000).buffer as ArrayBuffer;
    const [part] = args.equityParts;
    const equityParts = [{ ...part!, openTimesMs: moved(part!.openTimesMs) }];
    const trades = args.tradeParts[0]!.trades.map((trade) => ({
      ...trade,
      entryTimeMs: trade.entryTimeMs - 900_000,
      exitTimeMs: trade.exitTimeMs - 900_000,
    }));
    await expectFailure(
      record({ ...args, equityParts, tradeParts: [{ trades }] }),
      "INVALID_ARGUMENT",
      "equityParts",
    );
  });

  test("A-10: the evaluation of one version cannot be recorded for another", async () => {
    const args = await claimEvaluation(desk, version, GOOD);
    const { versionId } = await anotherVersion();
    const evaluation = { ...args.evaluation, versionId };
    await expectFailure(record({ ...args, evaluation }), "LEASE_LOST", "versionId");
  });

  test("D-02: the same job records one evaluation and one trial, however often it is sent", async () => {
    const args = await claimEvaluation(desk, version, GOOD);
    expect(await record(args)).toBe(await record(args));
    const trials = await desk.t.run((ctx) => ctx.db.query("trials").collect());
    expect(trials.map((trial) => trial.kind)).toEqual(["training", "evaluation"]);
  });
});

describe("baselines of an evaluation", () => {
  const add = (args: ReturnType<typeof baselineArgs>) =>
    desk.service.mutation(api.evaluations.worker.recordBaseline, args);
  const claimed = async () => {
    const args = await claimEvaluation(desk, version, GOOD);
    return { args, evaluationId: await record(args) };
  };
  const stored = (evaluationId: Id<"evaluations">) =>
    desk.viewer.query(api.evaluations.console.get, { evaluationId });

  test("A-10: figures follow from the trades that were handed in; the same one records once", async () => {
    const { args, evaluationId } = await claimed();
    await add(baselineArgs(args, evaluationId, "momentum", -80));
    await add(baselineArgs(args, evaluationId, "momentum", -10));
    const { baselines } = await stored(evaluationId);
    expect(baselines).toMatchObject([{ name: "momentum", performance: { bars: 81, tradeCount: 1 } }]);
    expect(baselines[0]!.performance.netPnlUsd).toBeCloseTo(-80, 6);
  });

  test("A-10: until every one is there, the gate that compares with them fails", async () => {
    const { args, evaluationId } = await claimed();
    for (const name of ["flat", "buyAndHold", "momentum"] as const) {
      await add(baselineArgs(args, evaluationId, name, -50));
    }
    const gate = (await stored(evaluationId)).gates.find((row) => row.gate === "beatsBaselines")!;
    expect(gate).toMatchObject({ passed: false, sentence: expect.stringContaining("random is missing") });
  });

  type Args = ReturnType<typeof baselineArgs>;
  const dishonest: [string, (args: Args) => Args, RegExp][] = [
    ["a loss that its trades do not explain", (args) => ({ ...args, tradeParts: [] }), /Trades sum to 0\.00/],
    [
      "fewer bars",
      (args) => ({ ...args, equityParts: [new ArrayBuffer(16)] }),
      /it has 2 bars, the evaluation 81/,
    ],
    ["trades, though it is flat", (args) => ({ ...args, name: "flat" }), /flat has 1 trades/],
    [
      "a position that is short",
      (args) => {
        const [trade] = args.tradeParts[0]!.trades;
        const short = { ...trade!, side: "short" as const, exitPrice: 2_000 + 50 - trade!.feesUsd };
        return { ...args, tradeParts: [{ trades: [short] }] };
      },
      /not one long position/,
    ],
    [
      "an exit half-way",
      (args) => {
        const [trade] = args.tradeParts[0]!.trades;
        const equityUsd = new Float64Array(81).fill(10_000 - 50, 40).fill(10_000, 0, 40);
        const early = { ...trade!, exitTimeMs: trade!.entryTimeMs + 39 * 900_000 };
        return { ...args, tradeParts: [{ trades: [early] }], equityParts: [equityUsd.buffer as ArrayBuffer] };
      },
      /not one long position/,
    ],
  ];
  test.each(dishonest)("A-10: buy and hold with %s is refused", async (_, change, message) => {
    const { args, evaluationId } = await claimed();
    await expect(add(change(baselineArgs(args, evaluationId, "buyAndHold", -50)))).rejects.toThrow(message);
    expect((await stored(evaluationId)).baselines).toEqual([]);
  });

  test("W-05: the lease of another job adds none", async () => {
    const { args, evaluationId } = await claimed();
    const other = await claimEvaluation(desk, version, GOOD);
    const mixed = { ...baselineArgs(args, evaluationId, "flat", 0), jobId: other.evaluation.jobId };
    await expectFailure(add({ ...mixed, leaseToken: other.leaseToken }), "LEASE_LOST", "evaluationId");
  });
});

describe("promotion", () => {
  test("a version that passes every gate becomes champion and is what a run without a version trades", async () => {
    await evaluate(GOOD);
    await seedWalkForward(desk, version.versionId, 30);
    const { outcome, gates } = await promote(version.versionId);
    expect(gates.filter((gate) => !gate.passed)).toEqual([]);
    expect(outcome).toBe("promoted");
    expect(await status(version.versionId)).toBe("champion");
    await anotherVersion();
    const { runId } = await desk.operator.mutation(api.runs.console.start, START);
    const run = await desk.viewer.query(api.runs.console.get, { runId });
    expect(run.versionId).toBe(version.versionId);
  });

  test("failing gates refuse; the refusal is kept with its reasons and the champion stays", async () => {
    await evaluate(BAD);
    const { outcome, gates } = await promote(version.versionId);
    expect(outcome).toBe("refused");
    expect(gates.filter((gate) => !gate.passed).map((gate) => gate.gate)).toEqual(
      expect.arrayContaining(["minWinRate", "minNetPnl", "minDsr", "beatsBaselines"]),
    );
    expect(await status(version.versionId)).toBe("candidate");
    expect(await desk.viewer.query(api.governance.console.listChampions, {})).toEqual([]);
    const [kept] = await desk.viewer.query(api.governance.console.listPromotions, {});
    expect(kept).toMatchObject({ outcome: "refused", gates, actor: "https://assay.local|local:operator" });
  });

  test("without an evaluation, and against a baseline that did better, promotion is refused", async () => {
    expect(await promote(version.versionId)).toMatchObject({ outcome: "refused" });
    await seedWalkForward(desk, version.versionId, 30);
    await recordEvaluation(desk, await claimEvaluation(desk, version, GOOD), 1e6);
    const { outcome, gates } = await promote(version.versionId);
    expect(outcome).toBe("refused");
    expect(gates.filter((gate) => !gate.passed).map((gate) => gate.gate)).toEqual(["beatsBaselines"]);
  });

  test("without a walk-forward of its recipe no evaluation is good enough; the refusal says what to run", async () => {
    await evaluate(GOOD);
    const { outcome, gates } = await promote(version.versionId);
    expect(outcome).toBe("refused");
    const missing = gates.filter((gate) => !gate.passed);
    expect(missing.map((gate) => gate.gate)).toEqual(["walkForward"]);
    expect(missing[0]!.sentence).toContain("assay walk-forward");
  });

  test("the newest evaluation decides: a good one cannot outlive a bad one", async () => {
    await seedWalkForward(desk, version.versionId, 30);
    await evaluate(GOOD);
    await evaluate(BAD);
    expect(await promote(version.versionId)).toMatchObject({ outcome: "refused" });
  });

  test("every further trial makes the deflated Sharpe of the same evaluation stricter", async () => {
    const evaluationId = await evaluate(GOOD.map((gain) => gain * (gain > 0 ? 0.35 : 1)));
    const dsr = async () => {
      const { gates } = await desk.viewer.query(api.evaluations.console.get, { evaluationId });
      return gates.find((gate) => gate.gate === "minDsr")!.value!;
    };
    const alone = await dsr();
    await anotherVersion();
    expect(await dsr()).toBeLessThan(alone);
  });

  test("K-06: overruling the gates needs an admin and a reason; the old champion retires", async () => {
    const force = (who: "admin" | "operator", versionId: Id<"agentVersions">, reason: string) =>
      desk[who].mutation(api.governance.console.forcePromote, { versionId, reason });
    await expectFailure(force("operator", version.versionId, "I say so"), "FORBIDDEN");
    await expectFailure(force("admin", version.versionId, " "), "INVALID_ARGUMENT", "reason");
    expect(await force("admin", version.versionId, "paper trial")).toMatchObject({ outcome: "forced" });
    const next = await anotherVersion();
    await seedWalkForward(desk, next.versionId, 30, true);
    await evaluate(GOOD, next);
    await promote(next.versionId);
    expect([await status(version.versionId), await status(next.versionId)]).toEqual(["retired", "champion"]);
    const champions = await desk.viewer.query(api.governance.console.listChampions, {});
    expect(champions).toMatchObject([{ versionId: next.versionId, previousVersionId: version.versionId }]);
  });

  test("U-02: promoting twice has one effect: the champion before it stays the one to fall back to", async () => {
    await seedWalkForward(desk, version.versionId, 30);
    await evaluate(GOOD);
    await promote(version.versionId);
    const next = await anotherVersion();
    await evaluate(GOOD, next);
    for (let i = 0; i < 2; i++) await promote(next.versionId);
    expect(await status(next.versionId)).toBe("champion");
    const champions = await desk.viewer.query(api.governance.console.listChampions, {});
    expect(champions).toMatchObject([{ versionId: next.versionId, previousVersionId: version.versionId }]);
  });

  test("A-01: a version without an artifact, or whose manifest was edited, is never promoted", async () => {
    const untrained = await beginTraining(desk, version.datasetId, 9);
    await expectFailure(promote(untrained.versionId), "NOT_READY", "versionId");
    await evaluate(GOOD);
    await desk.t.run(async (ctx) => {
      const [row] = await ctx.db.query("agentManifests").collect();
      await ctx.db.patch(row!._id, { manifest: `${row!.manifest} ` });
    });
    await expectFailure(promote(version.versionId), "ARTIFACT_HASH_MISMATCH", "versionId");
  });
});
