/** Drives one paper run: feed, features, policy, one decision per closed bar; follows pause and stop. */
import { api } from "../../convex/_generated/api";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import { featureStartMs } from "../../lib/features/stream";
import type { FrozenFeed } from "../../lib/feeds/frozen";
import { timeframeMs } from "../../lib/market/timeframe";
import type { Candle } from "../../lib/market/types";
import { frozenPoints, storedFeedPoints } from "../datasets/feeds";
import { BarPipeline, type ReadyBar } from "../infer/barPipeline";
import { decideBar, type RunIdentity } from "../infer/decide";
import { liveBars, storedBars } from "../infer/feed";
import { codeOf, messageOf } from "../runtime/log";
import { waitForQuery } from "../transport/desk";
import { loadVersion } from "./artifact";
import { followModel, GhostDecider } from "./challenger";
import type { JobContext } from "./context";
import { DriftWatch } from "./driftWatch";
import type { JobOutcome } from "./handlers";
import { buildSnapshot } from "./snapshot";

type Run = Doc<"runs">;

export async function runPaperJob(
  context: JobContext,
  { runId }: { runId: Id<"runs"> },
): Promise<JobOutcome> {
  const { desk, lease } = context;
  const run = await desk.query(api.runs.worker.get, { runId });
  if (run.desired === "stopped") return { status: "cancelled" };
  // A stop must not wait for the next bar of a quiet market.
  const stop = new AbortController();
  const done = new AbortController();
  void waitForQuery(
    desk,
    api.runs.worker.get,
    { runId },
    (now) => now.desired === "stopped",
    done.signal,
  ).then(
    (now) => now !== null && stop.abort(),
    () => {},
  );
  try {
    const cancel = AbortSignal.any([context.cancel, stop.signal]);
    const identity = await prepare(context, run);
    const ended = await follow({ ...context, cancel }, identity);
    if (ended === "interrupted") return { status: "cancelled" };
    await desk.mutation(api.runs.worker.end, { ...lease, runId, status: "finished" });
    return { status: "succeeded", resultId: runId };
  } catch (error) {
    if (context.lost.aborted) return { status: "cancelled" };
    const message = messageOf(error);
    await desk.mutation(api.runs.worker.end, { ...lease, runId, status: "failed", error: message });
    return { status: "failed", error: { code: codeOf(error) ?? "RUN_FAILED", message } };
  } finally {
    done.abort();
  }
}

/** `feeds`: what the snapshot of a replay froze; a live run reads them as they come. */
type Prepared = RunIdentity & { feeds?: FrozenFeed[] };

/** Verifies the artifact, snapshots a replay's bars, opens the account. */
async function prepare(context: JobContext, run: Run): Promise<Prepared> {
  const { desk, lease, clock } = context;
  const version = await loadVersion(desk, run.versionId);
  if (version.artifactSha256 !== run.artifactSha256) {
    throw new Error("The version's artifact changed since this run was requested; start a new run");
  }
  const begin = { ...lease, runId: run._id };
  if (run.feed === "live") {
    const now = alignDownMs(clock.nowMs(), timeframeMs(run.timeframe));
    const featuresFromMs = run.featuresFromMs ?? featureStartMs(now, run.timeframe, version.spec);
    await desk.mutation(api.runs.worker.begin, { ...begin, featuresFromMs, accountFromMs: now });
    return { run, version, featuresFromMs };
  }
  const { instrument, timeframe, source, sourceTimeframe } = run;
  const fromMs = run.fromMs!;
  const toMs = run.toMs!;
  const { datasetId, featuresFromMs, feeds } = await buildSnapshot(context, {
    purpose: "feed",
    instrument,
    timeframe,
    source,
    sourceTimeframe,
    fromMs,
    toMs,
    featureSetId: version.manifest.featureSetId,
  });
  const { datasetHash, rows } = await desk.query(api.datasets.worker.get, { datasetId });
  await desk.mutation(api.runs.worker.begin, {
    ...begin,
    feedDatasetId: datasetId,
    featuresFromMs,
    accountFromMs: fromMs,
    totalBars: rows,
  });
  return { run, version, featuresFromMs, dataset: { datasetId, datasetHash }, feeds };
}

function alignDownMs(timeMs: number, stepMs: number): number {
  return Math.floor(timeMs / stepMs) * stepMs;
}

function openFeed(
  { desk, cancel }: JobContext,
  { run, featuresFromMs }: RunIdentity,
): AsyncGenerator<Candle> {
  const key = { instrument: run.instrument, timeframe: run.sourceTimeframe, source: run.source };
  return run.feed === "live"
    ? liveBars(desk, key, featuresFromMs, cancel)
    : storedBars(desk, key, featuresFromMs, run.toMs!);
}

/** Feeds bars until the feed ends ("done") or the run is stopped, cancelled or taken over ("interrupted"). */
async function follow(context: JobContext, identity: Prepared): Promise<"done" | "interrupted"> {
  const { clock, cancel } = context;
  const { run, version } = identity;
  const key = { instrument: run.instrument, timeframe: run.sourceTimeframe, source: run.source };
  const points =
    identity.feeds === undefined
      ? storedFeedPoints(context.desk, key, version.spec, identity.featuresFromMs)
      : frozenPoints(identity.feeds);
  const pipeline = new BarPipeline(version.spec, run.timeframe, run.sourceTimeframe, points);
  const ghosts = new GhostDecider(context);
  const drift = new DriftWatch(context, run._id);
  // A run that lost its worker goes on with the bar it had reached; that bar's calls are idempotent.
  const resumeFromMs = run.lastBarOpenTimeMs ?? Number.NEGATIVE_INFINITY;
  const startMs = run.fromMs ?? alignDownMs(run.startedAtMs ?? clock.nowMs(), timeframeMs(run.timeframe));
  const total = run.feed === "replay" ? (run.toMs! - startMs) / timeframeMs(run.timeframe) : 0;
  let bars = 0;
  try {
    for await (const source of openFeed(context, identity)) {
      const arrivedAtMs = clock.monotonicMs();
      for (const ready of await pipeline.push(source)) {
        if (cancel.aborted) return "interrupted";
        drift.observe(ready);
        if (ready.bar.openTimeMs < startMs || ready.bar.openTimeMs < resumeFromMs) continue;
        if ((await step(context, identity, ghosts, ready, arrivedAtMs)) === "stopped") return "interrupted";
        await drift.check(identity, ready.bar.openTimeMs);
        bars += 1;
        if (total > 0) context.progress("replaying", bars, total, "bars");
        if (run.feed === "replay" && run.speed > 0) {
          await clock.sleep(timeframeMs(run.timeframe) / run.speed, cancel);
        }
      }
    }
  } finally {
    drift.close();
  }
  return cancel.aborted ? "interrupted" : "done";
}

/** One closed bar: the account moves first, then the model may change, then the bar is decided. */
async function step(
  context: JobContext,
  identity: RunIdentity,
  ghosts: GhostDecider,
  ready: ReadyBar,
  arrivedAtMs: number,
): Promise<"next" | "stopped"> {
  const { desk, lease, clock } = context;
  const runId = identity.run._id;
  const advanced = await desk.mutation(api.execution.worker.advance, { ...lease, runId, bar: ready.bar });
  const { account, desired, desiredModel } = advanced;
  if (desired === "stopped") return "stopped";
  if (desiredModel !== null) await followModel(context, identity, desiredModel);
  const submission = decideBar(identity, ready, account, clock, arrivedAtMs);
  try {
    await desk.mutation(api.decisions.worker.submit, { ...lease, runId, submission });
  } catch (error) {
    // The kill switch flattened between the two calls: the account moved on, this bar's decision is void.
    if (codeOf(error) !== "CONFLICT") throw error;
    context.log.info("decision.void", { runId, barOpenTimeMs: ready.bar.openTimeMs });
  }
  if (advanced.shadow !== null) await ghosts.decide(identity, advanced.shadow, ready, arrivedAtMs);
  if (desired === "paused" && identity.run.feed === "replay") await waitWhilePaused(context, runId);
  return "next";
}

/** A paused replay waits; a paused live run keeps marking its account and holds instead. */
async function waitWhilePaused({ desk, cancel }: JobContext, runId: Id<"runs">): Promise<void> {
  await waitForQuery(desk, api.runs.worker.get, { runId }, (run) => run.desired !== "paused", cancel);
}
