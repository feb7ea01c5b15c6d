/** Drives one paper run bar by bar, as its worker would. */
import type { FunctionArgs } from "convex/server";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import type { CostModel } from "../../lib/broker/types";
import type { Candle } from "../../lib/market/types";
import { claim, INSTRUMENT, SOURCE, seedVersion, T0, TF_MS } from "./seed";
import type { Desk } from "./setup";

export type Submission = FunctionArgs<typeof api.decisions.worker.submit>["submission"];

export const START = {
  instrument: INSTRUMENT,
  feed: "replay" as "replay" | "live",
  source: SOURCE,
  sourceTimeframe: "15m" as const,
  fromMs: T0,
  toMs: T0 + 200 * TF_MS,
  speed: 0,
  initialBalanceUsd: 10_000,
};

export interface Driven {
  desk: Desk;
  runId: Id<"runs">;
  versionId: Id<"agentVersions">;
  artifactSha256: string;
  datasetHash: string;
  lease: { jobId: Id<"jobs">; leaseToken: number };
  feed: "replay" | "live";
}

type Version = Awaited<ReturnType<typeof seedVersion>>;

/** Starts a run of `version`, claims its job and opens its account. */
export async function beginRunOf(
  desk: Desk,
  version: Version,
  start: Partial<typeof START> = {},
): Promise<Driven> {
  const request = { ...START, ...start, versionId: version.versionId };
  const { runId } = await desk.operator.mutation(api.runs.console.start, request);
  const { lease } = await claim(desk);
  const times = { featuresFromMs: T0, accountFromMs: T0 };
  await desk.service.mutation(api.runs.worker.begin, { ...lease, runId, ...times });
  return { desk, runId, lease, feed: request.feed, ...version };
}

/** The same with a fresh version whose environment has these costs. */
export async function beginRun(
  desk: Desk,
  options: { costs?: CostModel; start?: Partial<typeof START> } = {},
): Promise<Driven> {
  return beginRunOf(desk, await seedVersion(desk, options.costs), options.start);
}

export function advance({ desk, lease, runId }: Driven, candle: Candle) {
  return desk.service.mutation(api.execution.worker.advance, { ...lease, runId, bar: candle });
}

export function submission(run: Driven, candle: Candle, action: number | null): Submission {
  const probabilities = action === null ? [] : [0, 1, 2].map((i) => (i === action ? 0.8 : 0.1));
  return {
    barOpenTimeMs: candle.openTimeMs,
    barCloseTimeMs: candle.openTimeMs + TF_MS,
    action,
    probabilities,
    logits: probabilities.map(Math.log),
    value: 0.1,
    observation: new ArrayBuffer(16),
    atr: 5,
    referencePrice: candle.close,
    provenance: {
      versionId: run.versionId,
      artifactSha256: run.artifactSha256,
      policyKernelVersion: "dense-f32-simd128-1",
      trainingDatasetHash: run.datasetHash,
      featureSetId: "core-v1",
      featureFingerprint: "f".repeat(64),
      environmentHash: "e".repeat(64),
      feed: {
        kind: run.feed,
        source: SOURCE,
        sourceTimeframe: "15m",
        timeframe: "15m",
        featuresFromMs: T0,
        barsHash: "b".repeat(64),
      },
      featuresSha256: "a".repeat(64),
      portfolio: {
        position: 0,
        unrealisedFraction: 0,
        barsHeldFraction: 0,
        drawdownFraction: 0,
        stopDistanceFraction: 0,
      },
      workerVersion: "test",
    },
    latency: { featuresMs: 1, inferenceMs: 1, totalMs: 2 },
  };
}

/** Submits the decision of `candle`; 0 short, 1 flat, 2 long. */
export function decide(
  run: Driven,
  candle: Candle,
  action: number | null,
  change: Partial<Submission> = {},
): Promise<{ decisionId: Id<"decisions">; outcome: "order" | "hold" }> {
  const { desk, lease, runId } = run;
  const full = { ...submission(run, candle, action), ...change };
  return desk.service.mutation(api.decisions.worker.submit, { ...lease, runId, submission: full });
}

/** Applies the bar, then decides it. */
export async function play(run: Driven, candle: Candle, action: number | null) {
  await advance(run, candle);
  return decide(run, candle, action);
}

export async function accountOf({ desk, runId }: Driven) {
  const row = await desk.viewer.query(api.execution.console.account, { runId });
  if (row === null) throw new Error("the run has no account");
  return row;
}

export function decisionOf({ desk }: Driven, decisionId: Id<"decisions">) {
  return desk.viewer.query(api.decisions.console.get, { decisionId });
}

/** Oldest first. */
export async function ordersOf({ desk, runId }: Driven) {
  return (await desk.viewer.query(api.execution.console.orders, { runId })).reverse();
}

/** Oldest first. */
export async function fillsOf({ desk, runId }: Driven) {
  return (await desk.viewer.query(api.execution.console.fills, { runId, limit: 2_000 })).reverse();
}

/** The run with its progress as of now. */
export async function runOf({ desk, runId }: Driven) {
  const { progress, ...row } = await desk.viewer.query(api.runs.console.get, { runId });
  return { ...row, ...(await desk.viewer.query(api.runs.console.progress, { runId })), final: progress };
}

export async function ledgerOf({ desk, runId }: Driven) {
  const rows = await desk.t.run((ctx) => ctx.db.query("ledgerEntries").collect());
  return rows.filter((row) => row.runId === runId).sort((a, b) => a.sequence - b.sequence);
}
