/** The life of a model on a real desk: a cycle on noise, a rollback while a run is on, drift that cuts size. */
import { join } from "node:path";
import type { FunctionReference } from "convex/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { readSigningKey } from "../../rl-worker/config";
import { connectDesk, type Desk, type DeskOptions, waitForQuery } from "../../rl-worker/transport/desk";
import {
  assay,
  type RunningUp,
  startUp,
  syntheticCsvLines,
  temporaryFolder,
  writeCsv,
} from "../support/assay";

const DAY_MS = 86_400_000;
const folder = temporaryFolder();
const data = join(folder.path, "desk");
const lines = syntheticCsvLines(45 * 1440, 21);
const startMs = Math.ceil(Number(lines[0]!.split(",")[0]) / DAY_MS) * DAY_MS;
const INSTRUMENT = "XAUT-USDT";
const MARKET = ["--instrument", INSTRUMENT, "--timeframe", "15m"];
let desk: RunningUp;
let identity: DeskOptions;
let person: Desk;
const versions: Id<"agentVersions">[] = [];

beforeAll(async () => {
  desk = await startUp(["--no-console", "--no-exchange", "--backend-port", "0", "--data", data]);
  identity = {
    convexUrl: /Backend\s+(http\S+)/.exec(desk.output())![1]!,
    key: readSigningKey(join(data, "keys", "signing.json")),
    issuer: "https://assay.local",
    subject: "local:cli",
  };
  person = connectDesk(identity);
  const file = writeCsv(join(folder.path, "bars.csv"), lines);
  await assay(data, "import", file, "--instrument", INSTRUMENT, "--timeframe", "1m");
});
afterAll(async () => {
  await person?.close();
  await desk?.stop();
  folder.remove();
});

test("A-08: a cycle on noise goes through every step by itself and ends as rejected, with its reasons", async () => {
  const numbers = ["steps=2048", "trainingDays=30", "evaluationDays=3", "folds=1", "trainFraction=0.6"];
  const policy = ["learn", "policy", ...MARKET, "--probes", "off", "--seeds", "3", "--set", ...numbers];
  expect((await assay(data, ...policy, "--reason", "small", "--json")).result).toMatchObject({ version: 1 });
  const asOf = new Date(startMs + 40 * DAY_MS).toISOString();
  const { result, code } = await assay(data, "learn", "now", ...MARKET, "--as-of", asOf, "--json");
  expect(result, JSON.stringify(result?.reasons)).toMatchObject({ status: "rejected", trigger: "manual" });
  expect(code).toBe(0);
  const steps = (result!.reasons as string[]).map((reason) => reason.split(":")[0]);
  expect(steps).toEqual(["dataset", "training", "walkForward", "evaluation", "gates", "rejected"]);
  expect((result!.failingGates as string[]).join(" ")).toContain("Not run: causality");
  const listed = await assay(data, "learn", "status", "--json");
  expect(listed.result!.cycles).toHaveLength(1);
  versions.push(result!.challengerVersionId as Id<"agentVersions">);
});

async function run(speed: number) {
  const { runId } = await person.mutation(api.runs.console.start, {
    ...{ instrument: INSTRUMENT, feed: "replay", source: "file", sourceTimeframe: "1m" },
    ...{ fromMs: startMs + 40 * DAY_MS, toMs: startMs + 42 * DAY_MS, speed, initialBalanceUsd: 10_000 },
  });
  return runId;
}
const finished = (runId: Id<"runs">) =>
  waitForQuery(person, api.runs.console.get, { runId }, (row) => row.finishedAtMs !== undefined);

test("a rollback while a run is on changes its model between two bars, and both models' decisions replay", async () => {
  const { datasetId } = await person.query(api.agents.console.get, { versionId: versions[0]! });
  const train = ["train", "--dataset", datasetId, "--steps", "2048", "--seed", "4", "--json"];
  versions.push((await assay(data, ...train)).result!.versionId as Id<"agentVersions">);
  for (const versionId of versions) {
    await person.mutation(api.governance.console.forcePromote, { versionId, reason: "for the rollback" });
  }
  // A bar in 60 ms: long enough to roll back in the middle.
  const runId = await run(15_000);
  await waitForQuery(person, api.runs.console.progress, { runId }, ({ decisions }) => decisions > 20);
  const rolledBack = await assay(data, "rollback", "--instrument", INSTRUMENT, "--reason", "drill", "--json");
  expect(rolledBack.result).toMatchObject({ versionId: versions[0], runs: 1 });
  const again = await assay(data, "rollback", "--instrument", INSTRUMENT, "--reason", "drill", "--json");
  expect(again.code).toBe(1);
  const end = await finished(runId);
  expect(end).toMatchObject({ status: "finished", progress: { decisions: 192 }, versionId: versions[0] });
  const rows = [];
  for (let cursor: string | null = null, isDone = false; !isDone; ) {
    const paginationOpts = { numItems: 100, cursor };
    const page: (typeof api.decisions.console.list)["_returnType"] = await person.query(
      api.decisions.console.list,
      { runId, paginationOpts },
    );
    rows.push(...page.page);
    ({ isDone, continueCursor: cursor } = page);
  }
  rows.sort((a, b) => a.barOpenTimeMs - b.barOpenTimeMs);
  const whole = rows.map(({ _id }) => person.query(api.decisions.console.get, { decisionId: _id }));
  const models = (await Promise.all(whole)).map(({ provenance }) => provenance.versionId);
  const changes = models.filter((model, i) => i > 0 && model !== models[i - 1]);
  expect([models[0], changes]).toEqual([versions[1], [versions[0]]]);
  for (const decision of [rows[0]!, rows.at(-1)!]) {
    const replay = await assay(data, "replay", decision._id, "--json");
    expect(replay.result).toMatchObject({ identical: true, differences: [] });
  }
});

/** Watches one query over a socket of its own; counts the results and the bytes that arrive after the first. */
async function watch<Q extends FunctionReference<"query">>(query: Q, args: Q["_args"]) {
  const seen = { results: 0, bytes: 0 };
  class CountingSocket extends WebSocket {
    constructor(url: string) {
      super(url);
      this.on("message", (data: Buffer) => {
        seen.bytes += data.length;
      });
    }
  }
  const client = connectDesk(identity, {
    webSocketConstructor: CountingSocket as unknown as typeof globalThis.WebSocket,
  });
  await new Promise<void>((resolve) => {
    client.onUpdate(query, args, () => {
      seen.results += 1;
      if (seen.results === 1) resolve();
    });
  });
  Object.assign(seen, { results: 0, bytes: 0 });
  return { seen, client };
}

test("no bar and no decision of a run sends the list of runs again; its own figures arrive live", async () => {
  // A bar in 15 ms, so that the subscribers are told of most bars one by one.
  const runId = await run(60_000);
  await waitForQuery(person, api.runs.console.progress, { runId }, ({ bars }) => bars > 5);
  const list = await watch(api.runs.console.list, {});
  const progress = await watch(api.runs.console.progress, { runId });
  const end = await finished(runId);
  expect(end!.progress).toMatchObject({ bars: 192, decisions: 192 });
  console.log(`list: ${JSON.stringify(list.seen)}, progress: ${JSON.stringify(progress.seen)}`);
  // The end of the run is the one change of its row.
  expect(list.seen.results).toBeLessThanOrEqual(1);
  expect(progress.seen.results).toBeGreaterThan(50);
  expect(progress.seen.bytes / progress.seen.results).toBeLessThan(700);
  await Promise.all([list.client.close(), progress.client.close()]);
});

test("A-09: drift cuts the size of a running model within the check that finds it, and such a decision replays", async () => {
  // Any window differs from any reference by these numbers.
  const numbers = ["windowBars=50", "checkEveryBars=5", "minPsi=0", "falseDiscoveryRate=0.5"];
  const always = [...numbers, "warning.enter=0.01", "warning.leave=0.001", "alarm.enter=1000"];
  const set = always.map((pair) => `drift.${pair}`);
  const policy = [
    "learn",
    "policy",
    ...MARKET,
    "--drift",
    "all",
    "--set",
    ...set,
    "--reason",
    "drill",
    "--json",
  ];
  expect((await assay(data, ...policy)).code).toBe(0);
  const runId = await run(0);
  const end = await finished(runId);
  expect(end).toMatchObject({ status: "finished", drift: { sizeFactor: 0.5 } });
  const { result } = await assay(data, "drift", "alerts", "--open", "--json");
  const [alert, ...others] = result!.alerts as { alertId: string; action: string; sentence: string }[];
  expect(alert).toMatchObject({ action: "sizeCut", level: "warning" });
  expect(others).toEqual([]);
  const last = await person.query(api.decisions.console.get, { decisionId: end!.progress!.lastDecisionId! });
  expect(last.circumstances.sizeFactor).toBe(0.5);
  const replay = await assay(data, "replay", last._id, "--json");
  expect(replay.result).toMatchObject({ identical: true });
  const { features } = await person.query(api.drift.console.heatMap, { instrument: INSTRUMENT });
  expect(features.length).toBeGreaterThan(20);
  const acknowledged = await assay(data, "drift", "ack", alert!.alertId, "--note", "a drill", "--json");
  expect(acknowledged.result).toMatchObject({ isOpen: false });
});
