/**
 * Champion and challenger on a real desk, while a live run trades bars as an exchange closes them. High volume comes
 * before falls in the first half of the history, and before rises ever since: a model of the first half is good there
 * and ruinous now.
 */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { DEFAULT_GATE_POLICY } from "../../lib/stats/gates";
import { createManualClock } from "../../local/exchange/clock";
import { type Exchange, startExchange } from "../../local/exchange/server";
import { readSigningKey } from "../../rl-worker/config";
import { connectDesk, type Desk, waitForQuery } from "../../rl-worker/transport/desk";
import { ListedMarket } from "../markets/listedMarket";
import { VOLUME_BAR_MS, volumeMarket } from "../markets/volumeMarket";
import { assay, type RunningUp, startUp, temporaryFolder } from "../support/assay";
import { type BackendAdmin, backendAdmin } from "../support/backendAdmin";

const DAY_MS = 86_400_000;
const HALF_DAYS = 35;
const INSTRUMENT = "XAUT-USDT";
const MARKET = { instrument: INSTRUMENT, timeframe: "5m" as const };
/** The exchange's clock is ahead of the desk's, so that no live bar is ever stale however slow the machine is. */
const liveMs = Math.floor(Date.now() / VOLUME_BAR_MS + 12) * VOLUME_BAR_MS;
const turnMs = liveMs - HALF_DAYS * DAY_MS;
const startMs = turnMs - HALF_DAYS * DAY_MS;

const folder = temporaryFolder();
const data = join(folder.path, "desk");
/** The desk reads fifteen days at first, so it begins that far into the history. */
const clock = createManualClock(startMs + 15 * DAY_MS);
let exchange: Exchange;
let desk: RunningUp;
let person: Desk;
let admin: BackendAdmin;
let runId: Id<"runs">;

async function ingest(): Promise<void> {
  const { ingestLatest } = internal.market.bingxActions;
  const result = await admin.action(ingestLatest, { instrument: INSTRUMENT, timeframe: "1m" as const });
  expect(result).toMatchObject({ status: "ok", rejected: 0 });
}

beforeAll(async () => {
  const bars = volumeMarket({
    ...{ seed: 5, fromMs: startMs, bars: (2 * HALF_DAYS * DAY_MS) / VOLUME_BAR_MS + 2_000 },
    ...{ driftBps: 18, noiseBps: 30, switchProbability: 0.08 },
    signAt: (timeMs) => (timeMs < turnMs ? -1 : 1),
  });
  const simulator = new ListedMarket(INSTRUMENT, bars);
  exchange = await startExchange({ seed: 1, port: 0, clock, historyStartMs: startMs, simulator });
  desk = await startUp(["--no-console", "--no-exchange", "--backend-port", "0", "--data", data]);
  const convexUrl = /Backend\s+(http\S+)/.exec(desk.output())![1]!;
  const key = readSigningKey(join(data, "keys", "signing.json"));
  person = connectDesk({ convexUrl, key, issuer: "https://assay.local", subject: "local:cli" });
  admin = backendAdmin(convexUrl, data);
  await admin.setVariables({ BINGX_BASE_URL: exchange.url, ASSAY_INGESTION: "on" });
  for (;;) {
    await ingest();
    if (clock.now() >= liveMs) break;
    clock.advance(Math.min(17 * DAY_MS, liveMs + 5_000 - clock.now()));
  }
  const { id: _id, version: _version, ...values } = DEFAULT_GATE_POLICY;
  const walkForward = { ...values.walkForward, minFolds: 2, minSeeds: 2, lagKeepsAtLeast: 0.3 };
  const reason = "a small market for a test";
  await person.mutation(api.governance.console.setGatePolicy, { values: { ...values, walkForward }, reason });
  const { values: shipped } = await person.query(api.learning.console.policy, MARKET);
  const policy = {
    ...shipped,
    ...{ source: "simulated", steps: 20_000, seeds: [1, 2], folds: 2, trainFraction: 0.26 },
    ...{ trainingDays: 32, evaluationDays: 3 },
    shadow: { ...shipped.shadow, minBars: 60, maxBars: 400 },
    // Watched, and left alone: what is tried here is the cycle.
    drift: { ...shipped.drift, windowBars: 300, onWarning: "alert" as const, onSevere: "alert" as const },
  };
  await person.mutation(api.learning.console.setPolicy, { ...MARKET, values: policy, reason });
  // A bar moves as much as an hour of gold: the limits of the first start would end a day in its first minutes.
  const limits = await person.query(api.risk.console.current, {});
  const wide = { ...limits!.limits, maxDailyLossUsd: 5_000, maxPositionNotionalUsd: 100_000 };
  await person.mutation(api.risk.console.set, { limits: wide, reason });
}, 300_000);
afterAll(async () => {
  await person?.close();
  await desk?.stop();
  await exchange?.close();
  folder.remove();
});

const cycleOf = (cycleId: Id<"learningCycles">) => person.query(api.learning.console.cycle, { cycleId });

/** Starts a cycle on the bars before `asOfMs` and waits until it ends, or goes on in the shadow. */
async function learn(asOfMs?: number) {
  const cycleId = await person.mutation(api.learning.console.start, { ...MARKET, asOfMs });
  const cycle = await waitForQuery(
    person,
    api.learning.console.cycle,
    { cycleId },
    ({ isActive, status }) => !isActive || status === "shadow",
  );
  return cycle!;
}

/** Lets the exchange close the next bars and the desk decide them. */
async function pass(bars: number) {
  clock.advance(bars * VOLUME_BAR_MS);
  await ingest();
  const newestMs = Math.floor(clock.now() / VOLUME_BAR_MS - 1) * VOLUME_BAR_MS;
  await waitForQuery(
    person,
    api.runs.console.progress,
    { runId },
    ({ lastBarOpenTimeMs = 0, bars: moved, decisions, status }) =>
      (lastBarOpenTimeMs >= newestMs && decisions >= moved) || status === "failed",
  );
  return person.query(api.runs.console.get, { runId });
}

/** Bars pass until the shadow of a cycle has its verdict and the cycle has ended. */
async function passShadow(cycleId: Id<"learningCycles">) {
  for (let bars = 0; bars < 420; bars += 30) {
    await pass(30);
    const { shadowId } = await cycleOf(cycleId);
    const { isActive } = await person.query(api.shadows.console.get, { shadowId: shadowId! });
    if (!isActive) break;
  }
  const ended = await waitForQuery(person, api.learning.console.cycle, { cycleId }, (row) => !row.isActive);
  return ended!;
}

const steps = ({ reasons }: { reasons: { step: string }[] }) => reasons.map(({ step }) => step);
const sentences = ({ reasons }: { reasons: { sentence: string }[] }) => reasons.at(-1)!.sentence;
const champion = async () => {
  const rows = await person.query(api.governance.console.listChampions, {});
  return rows.find(({ instrument }) => instrument === INSTRUMENT);
};
const JUDGED = ["dataset", "training", "walkForward", "evaluation"];
let first: Awaited<ReturnType<typeof learn>>;
let second: Awaited<ReturnType<typeof learn>>;

test("without a champion, a cycle's model is promoted on its gates, and a live run begins with it", async () => {
  first = await learn(turnMs);
  expect(first, sentences(first)).toMatchObject({ status: "promoted" });
  expect(first.shadowId).toBeUndefined();
  expect(steps(first)).toEqual([...JUDGED, "gates", "promoted"]);
  const probes = first.gates.find(({ gate }) => gate === "probes");
  expect(probes).toMatchObject({ passed: true });
  expect(probes!.sentence).toContain("Note: volumeZScore96 correlates");
  ({ runId } = await person.mutation(api.runs.console.start, {
    ...{ instrument: INSTRUMENT, feed: "live", source: "simulated", sourceTimeframe: "1m" },
    ...{ speed: 0, initialBalanceUsd: 10_000 },
  }));
  await waitForQuery(person, api.runs.console.get, { runId }, ({ status }) => status === "running");
  expect(await pass(4)).toMatchObject({ status: "running", versionId: first.challengerVersionId });
});

test("a better challenger passes every gate and its shadow, is promoted by itself, and the live run goes over between two bars", async () => {
  second = await learn();
  expect(second, sentences(second)).toMatchObject({ status: "shadow", isActive: true });
  expect(second.gates.every(({ passed }) => passed)).toBe(true);
  expect(second.evaluationDeltas[0]!.delta).toBeGreaterThan(0);
  const ended = await passShadow(second._id);
  expect(ended, sentences(ended)).toMatchObject({ status: "promoted" });
  expect(steps(ended)).toEqual([...JUDGED, "championEvaluation", "gates", "shadow", "shadow", "promoted"]);
  expect(ended.reasons.at(-2)!.sentence).toMatch(/bps a bar more than the champion .* all of it is above/);
  expect(await champion()).toMatchObject({
    versionId: second.challengerVersionId,
    previousVersionId: first.challengerVersionId,
    promotedBy: "system:learning",
  });
  expect(await pass(10)).toMatchObject({ versionId: second.challengerVersionId, status: "running" });
  expect(await models()).toEqual([first.challengerVersionId, second.challengerVersionId]);
});

/** The run's models in the order in which they decided, each as often as it took over. */
async function models() {
  const ids: { id: Id<"decisions">; at: number }[] = [];
  for (let cursor: string | null = null, isDone = false; !isDone; ) {
    const paginationOpts = { numItems: 100, cursor };
    const { list } = api.decisions.console;
    const page: (typeof list)["_returnType"] = await person.query(list, { runId, paginationOpts });
    ids.push(...page.page.map(({ _id, barOpenTimeMs }) => ({ id: _id, at: barOpenTimeMs })));
    ({ isDone, continueCursor: cursor } = page);
  }
  ids.sort((a, b) => a.at - b.at);
  const { decisions, bars } = await person.query(api.runs.console.progress, { runId });
  expect([ids.length, ids.length]).toEqual([decisions, bars]);
  expect(new Set(ids.map(({ at }) => at)).size).toBe(ids.length);
  const whole = await Promise.all(
    ids.map(({ id }) => person.query(api.decisions.console.get, { decisionId: id })),
  );
  const versions = whole.map(({ provenance }) => provenance.versionId);
  return versions.filter((version, i) => version !== versions[i - 1]);
}

test("a ghost's decision replays bit for bit, an order as well as a hold, and so does one of the run", async () => {
  const { shadowId } = await cycleOf(second._id);
  const ghosts = await person.query(api.shadows.console.decisions, { shadowId: shadowId! });
  const order = ghosts.find(({ outcome }) => outcome === "order")!;
  const hold = ghosts.find(({ outcome }) => outcome === "hold")!;
  const { lastDecisionId } = await person.query(api.runs.console.progress, { runId });
  for (const decision of [order._id, hold._id, lastDecisionId!]) {
    const { result } = await assay(data, "replay", decision, "--json");
    expect(result).toMatchObject({ identical: true, differences: [] });
    expect(result!.checks).toContain("hash chain of the bars");
  }
});

test("a challenger that passes every gate on bars gone by is found out in the shadow, and rejected with its reasons", async () => {
  const third = await learn(turnMs);
  expect(third, sentences(third)).toMatchObject({ status: "shadow", isActive: true });
  expect(third.evaluationDeltas[0]!.delta).toBeGreaterThan(0);
  const ended = await passShadow(third._id);
  expect(ended).toMatchObject({ status: "rejected" });
  expect(sentences(ended)).toMatch(/bps a bar more than the champion .* all of it is below -1\.00 bps/);
  expect(ended.gates.length).toBeGreaterThan(20);
  const shadow = await person.query(api.shadows.console.get, { shadowId: ended.shadowId! });
  expect(shadow).toMatchObject({ status: "reject", isActive: false, sentence: sentences(ended) });
  expect(shadow.upper).toBeLessThan(-0.0001);
  expect((await champion())!.versionId).toBe(second.challengerVersionId);
});

test("the live run is watched: features, actions and slippage against the model's own training, from the desk's rows", async () => {
  const [watched] = await person.query(api.drift.console.watching, {});
  expect(watched).toMatchObject({ runId, isOn: true, feed: "live", level: expect.any(String) });
  const checks = await person.query(api.drift.console.checks, { runId });
  const own = checks.find(({ versionId }) => versionId === second.challengerVersionId);
  expect(own).toMatchObject({ windowBars: 300, actionPsi: expect.any(Number) });
  // The paper venue charges what the backtest did.
  expect(Math.abs(own!.slippageGapBps!)).toBeLessThan(0.5);
  const { features } = await person.query(api.drift.console.heatMap, { instrument: INSTRUMENT });
  expect(features.length).toBeGreaterThan(20);
});

test("one command puts the previous champion back, and the run goes over again between two bars", async () => {
  const back = await assay(data, "rollback", "--instrument", INSTRUMENT, "--reason", "a drill", "--json");
  expect(back.result).toMatchObject({ versionId: first.challengerVersionId, runs: 1 });
  expect(await pass(2)).toMatchObject({ versionId: first.challengerVersionId, status: "running" });
  const [a, b] = [first.challengerVersionId, second.challengerVersionId];
  expect(await models()).toEqual([a, b, a]);
});
