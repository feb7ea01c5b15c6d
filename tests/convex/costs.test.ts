import { beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import { costModelHash } from "../../lib/broker/charges";
import { DEFAULT_COST_MODEL, DEFAULT_COST_MODEL_ID } from "../../lib/broker/costModels";
import type { CostModel } from "../../lib/broker/types";
import { LIMITS } from "../../lib/contract/limits";
import { beginRun, play } from "./runDriver";
import { bar, beginTraining, INSTRUMENT, putCostsInForce, seedVersion, TF_MS, trainingResult } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";

const hours = (at: (hour: number) => number) => Array.from({ length: 24 }, (_, hour) => at(hour));
const MEASURED: CostModel = {
  ...DEFAULT_COST_MODEL,
  id: "measured#1",
  slippageP90Bps: 1,
  spread: { p50Bps: hours((h) => 0.3 + h / 100), p90Bps: hours((h) => 0.6 + h / 100) },
};
const SOURCE = {
  kind: "spreadFile" as const,
  ...{ fileName: "spread.csv", fileSha256: "0".repeat(64), rows: 24, bars: 100 },
  ...{ fromMonth: "2025-06", toMonth: "2025-07", priceBasis: "test" },
};
const save = { instrument: INSTRUMENT, model: MEASURED, source: SOURCE, basis: "numbers of a test" };

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});
const current = () => desk.viewer.query(api.costs.console.current, { instrument: INSTRUMENT });
const use = (modelId: string) =>
  desk.operator.mutation(api.costs.console.use, { instrument: INSTRUMENT, modelId, reason: "measured" });
const rollback = () =>
  desk.operator.mutation(api.costs.console.rollback, { instrument: INSTRUMENT, reason: "too dear" });

describe("S2-07: dated cost models", () => {
  test("the shipped model holds until a measured one is put in force, and its standing is said", async () => {
    expect(await current()).toMatchObject({ modelId: DEFAULT_COST_MODEL_ID, isMeasured: false, history: [] });
    const shipped = await desk.viewer.query(api.costs.console.get, { modelId: DEFAULT_COST_MODEL_ID });
    expect(shipped).toMatchObject({ kind: "shipped", standing: "assumed" });
  });

  test("saving the same content twice is one row; other content under its id is refused", async () => {
    const first = await desk.operator.mutation(api.costs.console.save, save);
    expect(await desk.operator.mutation(api.costs.console.save, save)).toEqual(first);
    expect(first).toEqual({ modelId: MEASURED.id, version: 1, hash: costModelHash(MEASURED) });
    const changed = { ...save, model: { ...MEASURED, takerFeeBps: 4 } };
    await expectFailure(desk.operator.mutation(api.costs.console.save, changed), "CONFLICT");
    const shadow = { ...save, model: { ...MEASURED, id: DEFAULT_COST_MODEL_ID } };
    await expectFailure(desk.operator.mutation(api.costs.console.save, shadow), "CONFLICT");
    const rows = await desk.viewer.query(api.costs.console.list, { instrument: INSTRUMENT });
    expect(rows.map((row) => row.modelId)).toEqual([MEASURED.id]);
  });

  test("an unusable model is refused with its field, and nothing is written", async () => {
    const crossed = { ...MEASURED, spread: { p50Bps: hours(() => 2), p90Bps: hours(() => 1) } };
    await expectFailure(
      desk.operator.mutation(api.costs.console.save, { ...save, model: crossed }),
      "INVALID_ARGUMENT",
    );
    expect(await desk.viewer.query(api.costs.console.list, { instrument: INSTRUMENT })).toEqual([]);
  });

  test("rollback goes back step by step and ends at the shipped model; every step is kept", async () => {
    await desk.operator.mutation(api.costs.console.save, save);
    const second = { ...MEASURED, id: "measured#2", takerFeeBps: 4 };
    await desk.operator.mutation(api.costs.console.save, { ...save, model: second });
    await expectFailure(rollback(), "CONFLICT");
    await use(MEASURED.id);
    expect(await rollback()).toMatchObject({ modelId: DEFAULT_COST_MODEL_ID });
    await use(MEASURED.id);
    await use(second.id);
    expect((await current()).modelId).toBe(second.id);
    expect(await rollback()).toMatchObject({ modelId: MEASURED.id });
    const { history, hash } = await current();
    expect(hash).toBe(costModelHash(MEASURED));
    expect(history.map((row) => row.sequence)).toEqual([5, 4, 3, 2, 1]);
    expect(await rollback()).toMatchObject({ modelId: DEFAULT_COST_MODEL_ID });
    await expectFailure(rollback(), "CONFLICT");
    expect((await current()).history.map((row) => row.kind)).toEqual([
      ...["rollback", "rollback", "use", "use", "rollback", "use"],
    ]);
  });

  test("a model of another instrument, and an unknown one, cannot be put in force", async () => {
    await desk.operator.mutation(api.costs.console.save, { ...save, instrument: "PAXG-USDT" });
    await expectFailure(use(MEASURED.id), "INVALID_ARGUMENT");
    await expectFailure(use("nothing"), "NOT_FOUND");
  });
});

describe("the cost model in provenance", () => {
  test("a training keeps the costs it was requested with, whatever is put in force later", async () => {
    await putCostsInForce(desk, MEASURED);
    const { versionId, datasetHash, lease } = await trainingUnderWay();
    await rollback();
    const version = await desk.viewer.query(api.agents.console.get, { versionId });
    expect(version).toMatchObject({ costModelId: MEASURED.id, costModelHash: costModelHash(MEASURED) });
    const wrong = await trainingResult(desk, datasetHash);
    const complete = (result: typeof wrong) =>
      desk.service.mutation(api.agents.worker.complete, { ...lease, versionId, result });
    await expectFailure(complete(wrong), "ARTIFACT_HASH_MISMATCH");
    await complete(await trainingResult(desk, datasetHash, 7, MEASURED));
  });

  test("a run's row and account carry the costs of its artifact", async () => {
    const run = await beginRun(desk, { costs: MEASURED });
    const row = await desk.viewer.query(api.runs.console.get, { runId: run.runId });
    expect(row).toMatchObject({ costModelId: MEASURED.id, costModelHash: costModelHash(MEASURED) });
    const account = await desk.viewer.query(api.execution.console.account, { runId: run.runId });
    expect(account?.costs).toEqual(MEASURED);
  });

  async function trainingUnderWay() {
    const { datasetId, datasetHash } = await seedVersion(desk, MEASURED);
    return { datasetHash, ...(await beginTraining(desk, datasetId)) };
  }
});

describe("fitting on our own fills", () => {
  test("a model fitted on paper fills is stored, says so, and cannot be put in force", async () => {
    const run = await beginRun(desk);
    for (let i = 0; i < 45; i++) await play(run, bar(i, 2_000), i % 2 === 0 ? 2 : 0);
    const args = { instrument: INSTRUMENT, runs: [run.runId] };
    const fitted = await desk.operator.mutation(api.costs.console.fitFromFills, args);
    expect(fitted.fills).toBeGreaterThanOrEqual(30);
    const stored = await desk.viewer.query(api.costs.console.get, { modelId: fitted.modelId });
    if (stored?.kind !== "stored") throw new Error("not stored");
    expect(stored.source).toMatchObject({ kind: "fills", simulated: true });
    // The simulated venue charged exactly the shipped model, so that is what its fills say, to a tick.
    expect(stored.model.takerFeeBps).toBeCloseTo(DEFAULT_COST_MODEL.takerFeeBps, 3);
    expect(stored.model.slippageBps).toBeGreaterThanOrEqual(DEFAULT_COST_MODEL.slippageBps - 0.05);
    expect(stored.model.slippageBps).toBeLessThanOrEqual(DEFAULT_COST_MODEL.slippageBps + 0.1);
    await expectFailure(use(fitted.modelId), "INVALID_ARGUMENT");
  });

  test("S2-11: on live runs measures the delay from a bar's close to its order, and says so", async () => {
    const run = await beginRun(desk, { start: { feed: "live", fromMs: undefined, toMs: undefined } });
    for (let i = 0; i < 45; i++) {
      vi.useFakeTimers({ toFake: ["Date"], now: bar(i, 2_000).openTimeMs + TF_MS + 1_000 + 10 * i });
      await play(run, bar(i, 2_000), i % 2 === 0 ? 2 : 0);
    }
    vi.useRealTimers();
    const args = { instrument: INSTRUMENT, runs: [run.runId] };
    const { modelId } = await desk.operator.mutation(api.costs.console.fitFromFills, args);
    const stored = await desk.viewer.query(api.costs.console.get, { modelId });
    if (stored?.kind !== "stored") throw new Error("not stored");
    const { p50Ms, p90Ms } = stored.model.latency!;
    expect(p50Ms).toBeGreaterThanOrEqual(1_100);
    expect(p90Ms).toBeGreaterThan(p50Ms);
    expect(p90Ms).toBeLessThanOrEqual(1_440);
    expect(stored.basis).toMatch(/latency on \d+ decisions of live runs/);
  });

  test("too few fills, and too many runs, are refused", async () => {
    const run = await beginRun(desk);
    const fitOn = (runs: (typeof run.runId)[]) =>
      desk.operator.mutation(api.costs.console.fitFromFills, { instrument: INSTRUMENT, runs });
    await expectFailure(fitOn([run.runId]), "NO_DATA");
    await expectFailure(fitOn(new Array(LIMITS.runsPerFit + 1).fill(run.runId)), "INVALID_ARGUMENT");
  });
});
