/** A live run on core-v2 beside its exchange: what it saw is what a dataset over the same bars and feeds holds. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { CORE_V2 } from "../../lib/features/coreV2";
import { readSigningKey } from "../../rl-worker/config";
import { readDatasetParquet } from "../../rl-worker/datasets/parquet";
import { featuresHash } from "../../rl-worker/infer/decide";
import { connectDesk, type Desk } from "../../rl-worker/transport/desk";
import { assay, type RunningUp, startUp, temporaryFolder } from "../support/assay";

const MINUTE_MS = 60_000;
const folder = temporaryFolder();
const data = join(folder.path, "desk");
const BARS = ["--instrument", "XAUT-USDT", "--source", "simulated"];
let desk: RunningUp;
let person: Desk;

beforeAll(async () => {
  desk = await startUp(["--no-console", "--backend-port", "0", "--exchange-port", "0", "--data", data]);
  person = connectDesk({
    convexUrl: /Backend\s+(http\S+)/.exec(desk.output())![1]!,
    key: readSigningKey(join(data, "keys", "signing.json")),
    issuer: "https://assay.local",
    subject: "local:cli",
  });
});
afterAll(async () => {
  await person?.close();
  await desk?.stop();
  folder.remove();
});

const series = async () =>
  (await person.query(api.market.console.listSeries, {})).find(
    ({ instrument }) => instrument === "XAUT-USDT",
  );
const feeds = async () =>
  (await person.query(api.feeds.console.list, {})).filter(({ instrument }) => instrument === "XAUT-USDT");

test("S1-10, G-17: the rows that a live core-v2 run decided on are those of a dataset, with exchange feeds and a posted event in them", async () => {
  await expect
    .poll(async () => (await series())?.rows ?? 0, { timeout: 120_000 })
    .toBeGreaterThan(15 * 1440 - 5);
  await expect.poll(async () => (await feeds()).length, { timeout: 120_000 }).toBe(4);
  const token = await assay(data, "token", "create", "newswire", "--json");
  expect(token.code, token.stderr).toBe(0);
  const post = (authorization: string) =>
    fetch(token.result!.url as string, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify({
        ...{ instrument: "XAUT-USDT", feed: "news" },
        events: [
          { externalId: "wire-1", eventAtMs: Date.now() - 3_600_000, score: -0.25, title: "Rates up" },
        ],
      }),
    });
  expect((await post("Bearer nothing")).status).toBe(401);
  const posted = await post(`Bearer ${token.result!.token as string}`);
  expect([posted.status, await posted.json()]).toMatchObject([200, { results: [{ status: "stored" }] }]);
  const lastMs = (await series())!.lastOpenTimeMs;
  const day = (n: number) => String(Math.floor(lastMs / 86_400_000 + n) * 86_400_000);
  const build = [...BARS, "--timeframe", "1m", "--features", "core-v2", "--json"];
  const training = await assay(data, "dataset", "build", ...build, "--from", day(-5), "--to", day(-1));
  expect(training.code, training.stderr).toBe(0);
  const datasetId = training.result!.datasetId as string;
  const trained = await assay(data, "train", "--dataset", datasetId, "--steps", "4096", "--json");
  expect(trained.code, trained.stderr).toBe(0);
  const version = trained.result!.versionId as string;
  const started = await assay(
    data,
    "run",
    "start",
    ...BARS,
    "--feed",
    "live",
    "--version",
    version,
    "--json",
  );
  expect(started.code, started.stderr).toBe(0);
  const runId = started.result!.runId as Id<"runs">;
  const run = () => person.query(api.runs.console.progress, { runId });
  await expect
    .poll(async () => (await run()).decisions, { timeout: 240_000, interval: 2_000 })
    .toBeGreaterThan(0);
  const decisions = await person.query(api.decisions.console.newest, { runId, limit: 5 });
  const decisionId = decisions[0]!._id;
  const replayed = await assay(data, "replay", decisionId, "--json");
  expect(replayed.result).toMatchObject({ identical: true, differences: [] });
  await assay(data, "run", "stop", runId);

  const { featuresFromMs } = await person.query(api.runs.console.get, { runId });
  const { lastBarOpenTimeMs } = await run();
  const range = [featuresFromMs! + 2 * CORE_V2.warmupBars * MINUTE_MS, lastBarOpenTimeMs! + MINUTE_MS];
  const built = await assay(
    data,
    "dataset",
    "build",
    ...build,
    "--from",
    `${range[0]}`,
    "--to",
    `${range[1]}`,
  );
  expect(built.code, built.stderr).toBe(0);
  const record = await person.query(api.datasets.console.get, {
    datasetId: built.result!.datasetId as Id<"datasets">,
  });
  const bytes = new Uint8Array(await (await fetch(record.url!)).arrayBuffer());
  const dataset = await readDatasetParquet(bytes, record.datasetHash);
  expect(dataset.core.sideFeeds!.map(({ feed }) => feed)).toEqual([
    "funding",
    "basis",
    "openInterest",
    "news",
  ]);
  const { names, width, values } = dataset.features;
  for (const { _id } of decisions) {
    const decision = await person.query(api.decisions.console.get, { decisionId: _id });
    const at = dataset.candles.openTimeMs.indexOf(decision.barOpenTimeMs);
    const row = values.slice(at * width, (at + 1) * width);
    expect(decision.provenance.featuresSha256).toBe(featuresHash(row));
    for (const feed of ["funding", "basis", "openInterest"])
      expect(row[names.indexOf(`${feed}Present`)]).toBe(1);
    expect([row[names.indexOf("newsPresent")], row[names.indexOf("news")]]).toEqual([1, -0.25]);
    expect(row[names.indexOf("ideasPresent")]).toBe(0);
  }
});
