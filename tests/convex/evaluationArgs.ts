/** An evaluation as its worker hands it in: trades with given gains, and the equity that follows from them. */
import type { FunctionArgs } from "convex/server";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { float64ToBytes } from "../../lib/core/bytes";
import { BASELINE_NAMES, type BaselineName } from "../../lib/stats/reportTypes";
import type { Trade } from "../../lib/stats/trades";
import { claim, INSTRUMENT, SOURCE, type seedVersion, T0, TF_MS } from "./seed";
import type { Desk } from "./setup";

type Version = Awaited<ReturnType<typeof seedVersion>>;
export type EvaluationArgs = FunctionArgs<typeof api.evaluations.worker.record>;
const INITIAL_USD = 10_000;
const FEES_USD = 2;

/** One long trade of one unit per gain: in at an odd bar, out at the next even one. */
function tradesOf(gainsUsd: number[], fromMs: number): Trade[] {
  return gainsUsd.map((pnlUsd, i) => ({
    entryTimeMs: fromMs + (2 * i + 1) * TF_MS,
    exitTimeMs: fromMs + (2 * i + 2) * TF_MS,
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

function equityOf(
  gainsUsd: number[],
  fromMs: number,
): { openTimesMs: Float64Array; equityUsd: Float64Array } {
  const bars = 2 * gainsUsd.length + 1;
  const openTimesMs = Float64Array.from({ length: bars }, (_, i) => fromMs + i * TF_MS);
  const equityUsd = new Float64Array(bars).fill(INITIAL_USD);
  for (const [i, gain] of gainsUsd.entries()) {
    equityUsd[2 * i + 1] = equityUsd[2 * i]! + gain / 2;
    equityUsd[2 * i + 2] = equityUsd[2 * i]! + gain;
  }
  return { openTimesMs, equityUsd };
}

const bytes = (values: Float64Array) => float64ToBytes(values).slice().buffer as ArrayBuffer;

/** A baseline over the bars of an evaluation: long from the second bar to the last for this profit; flat idles. */
export function baselineArgs(
  { leaseToken, evaluation, equityParts }: EvaluationArgs,
  evaluationId: Id<"evaluations">,
  name: BaselineName,
  netPnlUsd: number,
): FunctionArgs<typeof api.evaluations.worker.recordBaseline> {
  const times = new Float64Array(equityParts[0]!.openTimesMs);
  const isFlat = name === "flat";
  const [held] = tradesOf([netPnlUsd], times[0]!);
  const trade = { ...held!, entryTimeMs: times[1]!, exitTimeMs: times.at(-1)! };
  const equityUsd = new Float64Array(times.length).fill(INITIAL_USD);
  if (!isFlat) equityUsd[times.length - 1] = INITIAL_USD + netPnlUsd;
  return {
    ...{ jobId: evaluation.jobId, leaseToken, evaluationId, name, rule: `the rule of ${name}` },
    tradeParts: isFlat ? [] : [{ trades: [trade] }],
    equityParts: [bytes(equityUsd)],
  };
}

/** Records an evaluation as its worker does: the policy, then every baseline, each of which made this much. */
export async function recordEvaluation(
  desk: Desk,
  args: EvaluationArgs,
  baselineUsd = -50,
): Promise<Id<"evaluations">> {
  const id = await desk.service.mutation(api.evaluations.worker.record, args);
  for (const name of BASELINE_NAMES) {
    await desk.service.mutation(
      api.evaluations.worker.recordBaseline,
      baselineArgs(args, id, name, baselineUsd),
    );
  }
  return id;
}

/** Requests and claims an evaluation of `version`, and makes the arguments that record it. */
export async function claimEvaluation(
  desk: Desk,
  version: Version,
  gainsUsd: number[],
): Promise<EvaluationArgs> {
  const { versionId } = version;
  const range = { fromMs: T0, toMs: T0 + 200 * TF_MS };
  const request = { versionId, source: SOURCE, sourceTimeframe: "15m" as const, ...range };
  await desk.operator.mutation(api.evaluations.console.request, request);
  const { lease } = await claim(desk);
  return evaluationArgs(version, lease, range, gainsUsd);
}

/** The same for a job that is claimed already. */
export function evaluationArgs(
  { versionId, datasetId, datasetHash, artifactSha256 }: Version,
  lease: { jobId: Id<"jobs">; leaseToken: number },
  range: { fromMs: number; toMs: number },
  gainsUsd: number[],
): EvaluationArgs {
  const { openTimesMs, equityUsd } = equityOf(gainsUsd, range.fromMs);
  return {
    leaseToken: lease.leaseToken,
    evaluation: {
      ...{ versionId, datasetId, datasetHash, artifactSha256, ...range },
      jobId: lease.jobId,
      instrument: INSTRUMENT,
      timeframe: "15m",
      source: SOURCE,
      initialBalanceUsd: INITIAL_USD,
      actionMix: { short: 0, flat: 0.5, long: 0.5 },
      entropy: 0.4,
      environmentHash: "e".repeat(64),
      costModelId: "bingx-gold-perp@2025-08-01",
    },
    tradeParts: [{ trades: tradesOf(gainsUsd, range.fromMs) }],
    equityParts: [
      {
        openTimesMs: bytes(openTimesMs),
        equityUsd: bytes(equityUsd),
        positionQty: bytes(new Float64Array(equityUsd.length)),
      },
    ],
  };
}
