/** An evaluation as its worker hands it in: trades with given gains, and the equity that follows from them. */
import type { FunctionArgs } from "convex/server";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { float64ToBytes } from "../../lib/core/bytes";
import { toPerformance } from "../../lib/stats/performance";
import { BASELINE_NAMES } from "../../lib/stats/reportTypes";
import { summariseTrades } from "../../lib/stats/summariseTrades";
import type { Trade } from "../../lib/stats/trades";
import { claim, INSTRUMENT, SOURCE, type seedVersion, T0, TF_MS } from "./seed";
import type { Desk } from "./setup";

type Version = Awaited<ReturnType<typeof seedVersion>>;
export type EvaluationArgs = FunctionArgs<typeof api.evaluations.worker.record>;
const INITIAL_USD = 10_000;
const FEES_USD = 2;

/** One long trade of one unit per gain: in at an odd bar, out at the next even one. */
function tradesOf(gainsUsd: number[]): Trade[] {
  return gainsUsd.map((pnlUsd, i) => ({
    entryTimeMs: T0 + (2 * i + 1) * TF_MS,
    exitTimeMs: T0 + (2 * i + 2) * TF_MS,
    side: "long",
    qty: 1,
    entryPrice: 2_000,
    exitPrice: 2_000 + pnlUsd + FEES_USD,
    pnlUsd,
    feesUsd: FEES_USD,
    slippageUsd: 0.5,
    fundingUsd: 0,
    exitReason: "order",
  }));
}

function equityOf(gainsUsd: number[]): { openTimesMs: Float64Array; equityUsd: Float64Array } {
  const bars = 2 * gainsUsd.length + 1;
  const openTimesMs = Float64Array.from({ length: bars }, (_, i) => T0 + i * TF_MS);
  const equityUsd = new Float64Array(bars).fill(INITIAL_USD);
  for (const [i, gain] of gainsUsd.entries()) {
    equityUsd[2 * i + 1] = equityUsd[2 * i]! + gain / 2;
    equityUsd[2 * i + 2] = equityUsd[2 * i]! + gain;
  }
  return { openTimesMs, equityUsd };
}

const bytes = (values: Float64Array) => float64ToBytes(values).slice().buffer as ArrayBuffer;

/** A baseline that did nothing but end with this profit. */
function baselinePerformance(netPnlUsd: number) {
  const openTimesMs = [T0, T0 + TF_MS];
  const idle = { symbol: INSTRUMENT, trades: [], equityUsd: [INITIAL_USD, INITIAL_USD], openTimesMs };
  return { ...toPerformance(summariseTrades(idle)), netPnlUsd };
}

/** Requests and claims an evaluation of `version`, and makes the arguments that record it. */
export async function claimEvaluation(
  desk: Desk,
  version: Version,
  gainsUsd: number[],
  baselineUsd = -50,
): Promise<EvaluationArgs> {
  const { versionId } = version;
  const range = { fromMs: T0, toMs: T0 + 200 * TF_MS };
  const request = { versionId, source: SOURCE, sourceTimeframe: "15m" as const, ...range };
  await desk.operator.mutation(api.evaluations.console.request, request);
  const { lease } = await claim(desk);
  return evaluationArgs(version, lease, range, gainsUsd, baselineUsd);
}

/** The same for a job that is claimed already. */
export function evaluationArgs(
  { versionId, datasetId, datasetHash, artifactSha256 }: Version,
  lease: { jobId: Id<"jobs">; leaseToken: number },
  range: { fromMs: number; toMs: number },
  gainsUsd: number[],
  baselineUsd = -50,
): EvaluationArgs {
  const { openTimesMs, equityUsd } = equityOf(gainsUsd);
  return {
    leaseToken: lease.leaseToken,
    evaluation: {
      ...{ versionId, datasetId, datasetHash, artifactSha256, ...range },
      jobId: lease.jobId,
      instrument: INSTRUMENT,
      timeframe: "15m",
      source: SOURCE,
      initialBalanceUsd: INITIAL_USD,
      baselines: BASELINE_NAMES.map((name) => ({
        name,
        rule: `the rule of ${name}`,
        performance: baselinePerformance(baselineUsd),
      })),
      actionMix: { short: 0, flat: 0.5, long: 0.5 },
      entropy: 0.4,
      environmentHash: "e".repeat(64),
      costModelId: "bingx-gold-perp@2025-08-01",
    },
    tradeParts: [{ trades: tradesOf(gainsUsd) }],
    equityParts: [
      {
        openTimesMs: bytes(openTimesMs),
        equityUsd: bytes(equityUsd),
        positionQty: bytes(new Float64Array(equityUsd.length)),
      },
    ],
  };
}
