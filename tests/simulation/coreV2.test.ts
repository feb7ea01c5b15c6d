/** core-v2 through the real command, desk and worker: dataset, training, run, evaluation and replay, with a spike to hold on. */
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { CORE_V2 } from "../../lib/features/coreV2";
import { readSigningKey } from "../../rl-worker/config";
import { connectDesk } from "../../rl-worker/transport/desk";
import {
  assay,
  type CommandEnd,
  type RunningUp,
  startUp,
  syntheticCsvLines,
  temporaryFolder,
  writeCsv,
} from "../support/assay";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const folder = temporaryFolder();
const data = join(folder.path, "desk");
const lines = syntheticCsvLines(75 * 1440, 19);
const startMs = Math.ceil(Number(lines[0]!.split(",")[0]) / DAY_MS) * DAY_MS;
const day = (n: number) => new Date(startMs + n * DAY_MS).toISOString().slice(0, 10);
const INSTRUMENT = ["--instrument", "XAUT-USDT"];
const RUN = ["--from", day(72), "--to", day(73)];
const EIGHT_HOURS_MS = 8 * 3_600_000;
let desk: RunningUp;
let imported: CommandEnd;

/** A rate every eight hours, larger than anything that the cost model assumes. */
function settlements(): string[] {
  const first = Math.ceil(startMs / EIGHT_HOURS_MS) * EIGHT_HOURS_MS;
  return Array.from({ length: 73 * 3 }, (_, i) => `${first + i * EIGHT_HOURS_MS},${((i % 5) - 2) / 1_000}`);
}

/** The last minute of the run's last bar closes 6 % higher. */
function withSpike(): string[] {
  const at = startMs + 73 * DAY_MS - MINUTE_MS;
  return lines.map((line) => {
    const [time, open, high, low, close, volume] = line.split(",").map(Number);
    if (time !== at) return line;
    const spike = Number((close! * 1.06).toFixed(2));
    return [time, open, Math.max(high!, spike), low, spike, volume].join(",");
  });
}

beforeAll(async () => {
  desk = await startUp(["--no-console", "--no-exchange", "--backend-port", "0", "--data", data]);
  const file = writeCsv(join(folder.path, "bars.csv"), withSpike());
  await assay(data, "import", file, ...INSTRUMENT, "--timeframe", "1m");
  const funding = join(folder.path, "funding.csv");
  writeFileSync(funding, `${["fundingTime,fundingRate", ...settlements(), "yesterday,0.1"].join("\n")}\n`);
  imported = await assay(data, "import", funding, ...INSTRUMENT, "--feed", "funding", "--json");
});
afterAll(async () => {
  await desk?.stop();
  folder.remove();
});

test("US7, A-04: core-v2 with imported funding trains and runs; a spike is held with its reason, replays to the bit, and evaluates to the same equity", async () => {
  expect(imported.result).toMatchObject({ rowsAdded: 73 * 3, rowsRejected: 1, rejects: [{ line: 221 }] });
  const listed = await assay(data, "list", "feeds", "--json");
  expect(listed.result).toMatchObject({
    feeds: [{ feed: "funding", rows: 73 * 3, gaps: 0, source: "file" }],
  });
  const build = [...INSTRUMENT, "--timeframe", "15m", "--features", "core-v2", "--json"];
  const built = await assay(data, "dataset", "build", ...build, "--from", day(20), "--to", day(70));
  const feeds = [{ feed: "funding", source: "file" }];
  expect(built.result).toMatchObject({ rows: 50 * 96, featureCount: CORE_V2.columns.length, feeds });
  const blocks = () => readdirSync(join(data, "feature-cache")).length;
  expect(existsSync(join(data, "feature-cache")) && blocks()).toBeGreaterThan(0);
  const stored = blocks();
  const again = await assay(data, "dataset", "build", ...build, "--from", day(20), "--to", day(70));
  expect(again.result?.datasetHash).toBe(built.result!.datasetHash);
  expect(blocks()).toBe(stored);

  const datasetId = built.result!.datasetId as string;
  const trained = await assay(data, "train", "--dataset", datasetId, "--steps", "20000", "--json");
  const versionId = trained.result!.versionId as string;
  const run = await assay(data, "run", "start", ...INSTRUMENT, ...RUN, "--version", versionId, "--json");
  expect(run.result).toMatchObject({ status: "finished", decisions: 96 });
  const runId = run.result!.runId as Id<"runs">;
  const decisionId = run.result!.lastDecisionId as Id<"decisions">;
  const replay = await assay(data, "replay", decisionId, "--json");
  expect(replay.result).toMatchObject({ identical: true, differences: [] });
  const evaluated = await assay(data, "evaluate", "--version", versionId, ...RUN, "--json");

  const person = connectDesk({
    convexUrl: /Backend\s+(http\S+)/.exec(desk.output())![1]!,
    key: readSigningKey(join(data, "keys", "signing.json")),
    issuer: "https://assay.local",
    subject: "local:cli",
  });
  const decision = await person.query(api.decisions.console.get, { decisionId });
  expect(decision.outcome).toBe("hold");
  expect(decision.holdReason).toMatch(/^out of distribution: .* farthest is \w+$/);
  expect(decision.provenance.outOfDistribution!.distance).toBeGreaterThan(4);
  const evaluationId = evaluated.result!.evaluationId as Id<"evaluations">;
  const paper = await person.query(api.execution.console.equity, { runId });
  const backtest = await person.query(api.evaluations.console.equity, { evaluationId });
  await person.close();
  expect(paper.equityUsd.slice(0, 96)).toEqual(backtest.equityUsd);
});
