/** The straight way from a candle file to a replayed decision, through the real command, desk and worker. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { readSigningKey } from "../../rl-worker/config";
import { connectDesk } from "../../rl-worker/transport/desk";
import {
  assay,
  type RunningUp,
  startAssay,
  startUp,
  syntheticCsvLines,
  temporaryFolder,
  writeCsv,
} from "../support/assay";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const folder = temporaryFolder();
const data = join(folder.path, "desk");
const ROWS = 45 * 1440;
const LONG_ROWS = 300_000;
const lines = syntheticCsvLines(ROWS, 11);
const firstMs = Number(lines[0]!.split(",")[0]);
const day = (n: number) =>
  new Date(Math.ceil(firstMs / DAY_MS) * DAY_MS + n * DAY_MS).toISOString().slice(0, 10);
const INSTRUMENT = ["--instrument", "XAUT-USDT"];
const ONE_MINUTE = [...INSTRUMENT, "--timeframe", "1m"];
const STEPS = "200000";
let desk: RunningUp;

beforeAll(async () => {
  desk = await startUp(["--no-console", "--no-exchange", "--backend-port", "0", "--data", data]);
});
afterAll(async () => {
  await desk?.stop();
  folder.remove();
});

describe("assay import", () => {
  test("stores every row once: the second import adds nothing", async () => {
    const file = writeCsv(join(folder.path, "bars.csv"), lines);
    const first = await assay(data, "import", file, ...ONE_MINUTE, "--json");
    expect(first.stderr + first.stdout).toContain("rowsAdded");
    expect(first.result).toMatchObject({
      rowsRead: ROWS,
      rowsAdded: ROWS,
      rowsRejected: 0,
      firstOpenTimeMs: firstMs,
    });
    const second = await assay(data, "import", file, ...ONE_MINUTE, "--json");
    expect(second.result).toMatchObject({ rowsAdded: 0, rowsUnchanged: ROWS, rowsRevised: 0 });
    expect(second.code).toBe(0);
  });

  test("M-05: bad rows are named with line and reason, and never stored", async () => {
    const start = Math.floor(firstMs / DAY_MS) * DAY_MS;
    const at = (minute: number) => start + minute * MINUTE_MS;
    const bad = [
      `${at(0)},100,101,99,100,5`,
      `${at(1)},abc,101,99,100,5`,
      `${at(2)},100,98,99,100,5`,
      `${at(3)},0,101,0,100,5`,
      `${at(4) + 7},100,101,99,100,5`,
      `${at(5)},100,101,99,NaN,5`,
      `${at(6)},100,101,99,100,5`,
      `${at(6)},100,101,99,100,5`,
      `${at(2)},100,101,99,100,5`,
      `${at(7)},-1,101,-2,100,5`,
    ];
    const file = writeCsv(join(folder.path, "bad.csv"), bad);
    const end = await assay(data, "import", file, ...ONE_MINUTE, "--source", "bad", "--json");
    expect(end.result).toMatchObject({ rowsRead: 10, rowsAdded: 2, rowsRejected: 8 });
    const rejects = end.result!.rejects as { line: number; reason: string }[];
    expect(rejects.map((reject) => reject.line)).toEqual([3, 4, 5, 6, 7, 9, 10, 11]);
    expect(end.stderr).toContain("line 3:");
    const series = (await assay(data, "list", "series", "--json")).result!.series as {
      source: string;
      rows: number;
    }[];
    expect(series.find((row) => row.source === "bad")?.rows).toBe(2);
  });

  test("a killed import goes on to the same dataset, byte for byte, as an unbroken one", async () => {
    // Long enough that the kill surely lands in the middle.
    const file = writeCsv(join(folder.path, "long.csv"), syntheticCsvLines(LONG_ROWS, 12));
    const killed = startAssay(data, ["import", file, ...ONE_MINUTE, "--source", "killed"]);
    await until(() => killed.stderr().includes("importing"));
    killed.child.kill("SIGKILL");
    await killed.end;
    const again = await assay(data, "import", file, ...ONE_MINUTE, "--source", "killed", "--json");
    const { rowsAdded, rowsUnchanged, rowsRevised } = again.result as Record<string, number>;
    expect(rowsAdded, "the kill came too late to prove anything").toBeGreaterThan(0);
    expect(rowsAdded! + rowsUnchanged!).toBe(LONG_ROWS);
    expect(rowsRevised).toBe(0);
    const build = (source: string) =>
      assay(
        data,
        "dataset",
        "build",
        ...INSTRUMENT,
        "--timeframe",
        "15m",
        "--from",
        day(15),
        "--to",
        day(30),
        "--source",
        source,
        "--json",
      );
    await assay(data, "import", file, ...ONE_MINUTE, "--source", "unbroken");
    const [broken, whole] = [await build("killed"), await build("unbroken")];
    expect(broken.result?.rows).toBe(whole.result?.rows);
    const manifest = async (end: typeof broken) => {
      const list = (await assay(data, "list", "datasets", "--json")).result!.datasets as {
        datasetId: string;
        contentSha256?: string;
      }[];
      return list.find((row) => row.datasetId === end.result!.datasetId);
    };
    expect((await manifest(broken))?.contentSha256).toBe((await manifest(whole))?.contentSha256);
  });

  test("wrong usage exits with 2 and says what is wrong", async () => {
    const missing = await assay(data, "import", join(folder.path, "none.csv"), ...ONE_MINUTE);
    expect([missing.code, missing.stderr.includes("There is no file")]).toEqual([2, true]);
    const timeframe = await assay(data, "import", "x.csv", ...INSTRUMENT, "--timeframe", "7m");
    expect([timeframe.code, timeframe.stderr.includes("--timeframe")]).toEqual([2, true]);
  });
});

describe("from dataset to replayed decision", () => {
  let datasetId = "";
  let versionId = "";
  let artifactSha256 = "";
  let decisionId = "";
  let runId = "";

  test("A-02: a dataset built twice has one hash and one id", async () => {
    const args = [
      "dataset",
      "build",
      ...INSTRUMENT,
      "--timeframe",
      "15m",
      "--from",
      day(15),
      "--to",
      day(40),
      "--json",
    ];
    const [first, second] = [await assay(data, ...args), await assay(data, ...args)];
    expect(first.result).toMatchObject({
      rows: 25 * 96,
      featureCount: 29,
      quality: { verdict: "ok", coveragePct: 100, gaps: 0 },
    });
    expect(second.result?.datasetHash).toBe(first.result?.datasetHash);
    expect(second.result?.datasetId).toBe(first.result?.datasetId);
    datasetId = first.result!.datasetId as string;
  });

  test("the same dataset, seed and steps give the same checksum", async () => {
    const args = ["train", "--dataset", datasetId, "--steps", STEPS, "--seed", "7", "--json"];
    const [first, second] = [await assay(data, ...args), await assay(data, ...args)];
    expect(first.result).toMatchObject({ environmentSteps: Number(STEPS) });
    expect(first.result?.artifactSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(second.result?.artifactSha256).toBe(first.result?.artifactSha256);
    expect(second.result?.finalMetrics).toEqual(first.result?.finalMetrics);
    versionId = second.result!.versionId as string;
    artifactSha256 = second.result!.artifactSha256 as string;
  });

  test("W-04: Ctrl-C keeps a checkpoint, and --resume ends at the unbroken checksum", async () => {
    const args = ["train", "--dataset", datasetId, "--steps", STEPS, "--seed", "7"];
    const interrupted = startAssay(data, args);
    await until(() => interrupted.stderr().includes("training"));
    interrupted.child.kill("SIGINT");
    const end = await interrupted.end;
    expect(end.code).toBe(1);
    expect(end.stderr).toContain("the checkpoint is kept");
    const resumed = await assay(data, ...args, "--resume", "--json");
    expect(resumed.result?.artifactSha256).toBe(artifactSha256);
  });

  test("promotion is refused with each failing gate's value and threshold, and exit code 1", async () => {
    const evaluated = await assay(
      data,
      "evaluate",
      "--version",
      versionId,
      "--from",
      day(40),
      "--to",
      day(43),
      "--json",
    );
    expect(evaluated.result).toMatchObject({ versionId, trialCount: 3 });
    expect(Object.keys(evaluated.result!.baselines as object).sort()).toEqual([
      "buyAndHold",
      "flat",
      "momentum",
      "random",
    ]);
    const refused = await assay(data, "promote", "--version", versionId, "--json");
    expect(refused.code).toBe(1);
    expect(refused.result?.outcome).toBe("refused");
    for (const gate of refused.result!.failingGates as Record<string, unknown>[]) {
      expect(gate).toMatchObject({ threshold: expect.any(Number), sentence: expect.stringMatching(/\S/) });
    }
    expect((await assay(data, "promote", "--version", versionId, "--force")).code).toBe(2);
    const unknown = await assay(data, "replay", versionId, "--json");
    expect([unknown.code, unknown.result]).toEqual([
      1,
      { error: expect.objectContaining({ message: expect.stringMatching(/is not an id of decisions/) }) },
    ]);
  });

  test("a replayed paper run decides every bar and its last decision replays bit for bit", async () => {
    const run = await assay(
      data,
      "run",
      "start",
      ...INSTRUMENT,
      "--from",
      day(40),
      "--to",
      day(42),
      "--version",
      versionId,
      "--json",
    );
    expect(run.result).toMatchObject({ status: "finished", decisions: 192 });
    decisionId = run.result!.lastDecisionId as string;
    runId = run.result!.runId as string;
    const replay = await assay(data, "replay", decisionId, "--json");
    expect(replay.result).toMatchObject({ identical: true, differences: [] });
    expect(replay.code).toBe(0);
  });

  test("one kernel of money: evaluation and paper run over the same bars have the same equity, bit for bit", async () => {
    await expectSameEquity(runId, versionId);
  });

  test("A-01: a changed artifact file refuses the replay and says which hash does not match", async () => {
    const restore = tamperWithWeights(join(data, "backend", "files"));
    const replay = await assay(data, "replay", decisionId, "--json");
    restore();
    expect(replay.code).toBe(1);
    expect(replay.result).toMatchObject({
      identical: false,
      refused: expect.stringContaining("does not match its hash"),
    });
    expect((await assay(data, "replay", decisionId, "--json")).result?.identical).toBe(true);
  });

  test("S2-06: DQN under fitted costs drawn by the bar: paper run, evaluation and replay agree to the bit", async () => {
    const hours = Array.from(
      { length: 24 },
      (_, hour) => `2025-07,${hour},100,${20 + hour},${40 + hour},90,9`,
    );
    const header =
      "month,utc_hour,bars,spread_points_median,spread_points_p90,spread_points_p99,tick_volume_median";
    const file = join(folder.path, "spread.csv");
    writeFileSync(file, [header, ...hours].join("\n"));
    const fit = ["costs", "fit", file, ...INSTRUMENT, "--price-usd", "2000", "--charge", "sampled", "--json"];
    const fitted = await assay(data, ...fit, "--use", "measured spread");
    expect(fitted.result).toMatchObject({ version: 1, inForce: true, bars: 2_400 });
    expect((await assay(data, ...fit)).result).toMatchObject({ modelId: fitted.result!.modelId, version: 1 });
    const train = ["train", "--dataset", datasetId, "--algorithm", "dqn", "--steps", "12000", "--json"];
    const trained = await assay(data, ...train);
    const dqnVersion = trained.result!.versionId as string;
    const range = ["--from", day(40), "--to", day(42), "--version", dqnVersion];
    const run = await assay(data, "run", "start", ...INSTRUMENT, ...range, "--json");
    expect(run.result).toMatchObject({ status: "finished", decisions: 192 });
    const replay = await assay(data, "replay", run.result!.lastDecisionId as string, "--json");
    expect(replay.result).toMatchObject({ identical: true, differences: [] });
    await expectSameEquity(run.result!.runId as string, dqnVersion);
    const rolledBack = await assay(
      data,
      "costs",
      "rollback",
      ...INSTRUMENT,
      "--reason",
      "end of test",
      "--json",
    );
    expect(rolledBack.result!.modelId).toBe("bingx-gold-perp@2025-08-01");
  });

  test("D-08: the audit chain verifies from its first entry to its last", async () => {
    const verified = await assay(data, "audit", "verify", "--json");
    expect(verified.result).toMatchObject({ ok: true, firstBadLink: null });
    expect(verified.result!.length as number).toBeGreaterThan(10);
  });
});

/** Evaluates the version over the run's bars (days 40 to 42) and compares equity bar by bar. */
async function expectSameEquity(runId: string, versionId: string): Promise<void> {
  const range = ["--from", day(40), "--to", day(42)];
  const evaluated = await assay(data, "evaluate", "--version", versionId, ...range, "--json");
  const evaluationId = evaluated.result!.evaluationId as Id<"evaluations">;
  const person = connectDesk({
    convexUrl: /Backend\s+(http\S+)/.exec(desk.output())![1]!,
    key: readSigningKey(join(data, "keys", "signing.json")),
    issuer: "https://assay.local",
    subject: "local:cli",
  });
  const paper = await person.query(api.execution.console.equity, { runId: runId as Id<"runs"> });
  const backtest = await person.query(api.evaluations.console.equity, { evaluationId });
  await person.close();
  expect(backtest.openTimesMs).toHaveLength(192);
  expect(paper.timesMs.slice(0, 192)).toEqual(backtest.openTimesMs);
  expect(paper.equityUsd.slice(0, 192)).toEqual(backtest.equityUsd);
  expect(new Set(backtest.equityUsd).size, "the policy traded").toBeGreaterThan(2);
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("the condition was not met in 60 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Flips one bit in every stored file that is neither JSON nor Parquet (the weights); returns how to undo it. */
function tamperWithWeights(files: string): () => void {
  const undo: (() => void)[] = [];
  for (const name of readdirSync(files)) {
    const path = join(files, name);
    const bytes = readFileSync(path);
    if (bytes[0] === 0x7b || bytes.subarray(0, 4).toString() === "PAR1") continue;
    const changed = Buffer.from(bytes);
    changed[8]! ^= 1;
    writeFileSync(path, changed);
    undo.push(() => writeFileSync(path, bytes));
  }
  return () => {
    for (const restore of undo) restore();
  };
}
