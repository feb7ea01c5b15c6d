/** Evaluates a trained version on a range it names: snapshot, backtest through the broker kernel, baselines. */
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { costModelHash } from "../../lib/broker/charges";
import { LIMITS } from "../../lib/contract/limits";
import { float64ToBytes } from "../../lib/core/bytes";
import { judgeRow } from "../../lib/features/guard";
import type { FeatureMatrix } from "../../lib/features/types";
import type { Timeframe } from "../../lib/market/types";
import { BASELINE_NAMES } from "../../lib/stats/reportTypes";
import type { Trade } from "../../lib/stats/trades";
import { fundingOf } from "../datasets/feeds";
import type { BacktestResult } from "../evaluate/backtest";
import { evaluatePolicy } from "../evaluate/report";
import { type LoadedVersion, loadVersion } from "./artifact";
import type { JobContext } from "./context";
import type { JobOutcome } from "./handlers";
import { buildSnapshot, loadSnapshot } from "./snapshot";

interface EvaluateRequest {
  versionId: Id<"agentVersions">;
  source: string;
  sourceTimeframe: Timeframe;
  fromMs: number;
  toMs: number;
}

export async function evaluateJob(context: JobContext, request: EvaluateRequest): Promise<JobOutcome> {
  const { desk, lease } = context;
  const { versionId, source, sourceTimeframe, fromMs, toMs } = request;
  const version = await loadVersion(desk, versionId);
  const { manifest, envSpec } = version;
  const timeframe = manifest.timeframe as Timeframe;
  const { datasetId } = await buildSnapshot(context, {
    purpose: "evaluation",
    instrument: manifest.instrument,
    timeframe,
    source,
    sourceTimeframe,
    fromMs,
    toMs,
    featureSetId: manifest.featureSetId,
  });
  if (context.cancel.aborted) return { status: "cancelled" };
  const dataset = await loadSnapshot(desk, datasetId);
  context.progress("evaluating", 0, dataset.candles.openTimeMs.length, "bars");
  const policy = countingPolicy(version, dataset.features);
  const { report, result, baselines } = evaluatePolicy({
    candles: dataset.candles,
    features: dataset.features,
    atr: dataset.atr,
    fundingRateAt: fundingOf(dataset),
    normaliser: manifest.normaliser,
    spec: envSpec,
    decide: policy.decide,
    meanEntropy: policy.meanEntropy,
    seed: manifest.seed,
  });
  if (context.cancel.aborted) return { status: "cancelled" };
  const evaluationId = await desk.mutation(api.evaluations.worker.record, {
    leaseToken: lease.leaseToken,
    evaluation: {
      versionId,
      jobId: lease.jobId,
      instrument: manifest.instrument,
      timeframe,
      source,
      datasetId,
      datasetHash: dataset.datasetHash,
      artifactSha256: version.artifactSha256,
      fromMs,
      toMs,
      initialBalanceUsd: envSpec.initialBalanceUsd,
      actionMix: report.actionMix,
      entropy: report.entropy,
      environmentHash: report.environmentHash,
      costModelId: report.costModelId,
      costModelHash: costModelHash(envSpec.costs),
    },
    tradeParts: inParts(result.trades, LIMITS.tradesPerPart).map((trades) => ({ trades })),
    equityParts: equityParts(result),
  });
  for (const name of BASELINE_NAMES) {
    const { rule, result: run } = baselines[name];
    await desk.mutation(api.evaluations.worker.recordBaseline, {
      ...{ leaseToken: lease.leaseToken, jobId: lease.jobId, evaluationId, name, rule },
      tradeParts: inParts(run.trades, LIMITS.tradesPerPart).map((trades) => ({ trades })),
      equityParts: inParts(run.equityUsd, LIMITS.returnsPerPart).map(bytes),
    });
  }
  return { status: "succeeded", resultId: evaluationId };
}

/** The policy as the backtest calls it, remembering the mean entropy of its answers in nats. */
function countingPolicy({ policy, manifest }: LoadedVersion, { values, width }: FeatureMatrix) {
  let entropySum = 0;
  let decisions = 0;
  return {
    decide(observation: Float32Array, row: number): number | null {
      if (judgeRow(manifest, values, row * width).forcedHold !== null) return null;
      const { action, probabilities } = policy.decide(observation);
      for (const p of probabilities) if (p > 0) entropySum -= p * Math.log(p);
      decisions += 1;
      return action;
    },
    meanEntropy: () => (decisions === 0 ? 0 : entropySum / decisions),
  };
}

function inParts<T extends { length: number; slice(from: number, to: number): T }>(values: T, size: number) {
  const parts: T[] = [];
  for (let i = 0; i < values.length; i += size) parts.push(values.slice(i, i + size));
  return parts;
}

const bytes = (values: Float64Array) => float64ToBytes(values).slice().buffer as ArrayBuffer;

/** Equity and position by bar in parts that stay under a document's size. */
function equityParts({ openTimesMs, equityUsd, trades }: BacktestResult) {
  const positionQty = positionByBar(trades, openTimesMs);
  const parts = [];
  for (let from = 0; from < equityUsd.length; from += LIMITS.returnsPerPart) {
    const to = from + LIMITS.returnsPerPart;
    parts.push({
      openTimesMs: bytes(openTimesMs.slice(from, to)),
      equityUsd: bytes(equityUsd.slice(from, to)),
      positionQty: bytes(positionQty.slice(from, to)),
    });
  }
  return parts;
}

function positionByBar(trades: Trade[], openTimesMs: Float64Array): Float64Array {
  const qty = new Float64Array(openTimesMs.length);
  let next = 0;
  for (let i = 0; i < qty.length; i++) {
    const time = openTimesMs[i]!;
    while (next < trades.length && trades[next]!.exitReason !== "open" && trades[next]!.exitTimeMs <= time)
      next += 1;
    const trade = trades[next];
    if (trade !== undefined && trade.entryTimeMs <= time)
      qty[i] = trade.side === "long" ? trade.qty : -trade.qty;
  }
  return qty;
}
