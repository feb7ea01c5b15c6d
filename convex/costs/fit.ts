/** Fits costs on our own fills: the second way to a model, once there are fills of a real venue. */
import { ConvexError } from "convex/values";
import { type CostFill, fitFills, MIN_FILLS_TO_FIT } from "../../lib/broker/fitCosts";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { orderDelaysMs } from "../decisions/model";
import { newestFills } from "../execution/model";
import { requireRun } from "../runs/model";
import { costsInForce, refuse, saveModel } from "./model";

/**
 * Fits fee and slippage on the newest market fills of the given runs, and latency on the orders of those that are
 * live, over the model in force, and stores it.
 */
export async function fitFromFills(
  ctx: MutationCtx,
  { instrument, runs }: { instrument: string; runs: Id<"runs">[] },
  actor: string,
): Promise<{ modelId: string; version: number; hash: string; fills: number }> {
  if (runs.length < 1 || runs.length > LIMITS.runsPerFit) {
    refuse(`runs must name 1 to ${LIMITS.runsPerFit} runs, got ${runs.length}`, "runs");
  }
  const fills: CostFill[] = [];
  const delaysMs: number[] = [];
  let simulated = false;
  for (const runId of runs) {
    const run = await requireRun(ctx, runId);
    if (run.instrument !== instrument)
      refuse(`Run ${runId} trades ${run.instrument}, not ${instrument}`, "runs");
    simulated ||= run.mode === "paper";
    const rows = await newestFills(ctx, runId, LIMITS.fillsPerFit);
    // A liquidation's fee holds a penalty, so it says nothing about the cost of trading.
    fills.push(...rows.filter((fill) => fill.reason !== "liquidation"));
    // A replayed bar is decided whenever it is replayed: its delay is nobody's.
    if (run.feed === "live") delaysMs.push(...(await orderDelaysMs(ctx, runId, LIMITS.fillsPerFit)));
  }
  const base = await costsInForce(ctx, instrument);
  const fitted = fitFills(fills, base.model, `${instrument}/fills`, delaysMs);
  if (!fitted.ok) throw new ConvexError(appError("NO_DATA", fitted.error, "runs"));
  const times = fills.map((fill) => fill.timeMs);
  const source = {
    kind: "fills" as const,
    ...{ runs, fills: fills.length, simulated },
    fromMs: Math.min(...times),
    toMs: Math.max(...times),
  };
  const isLatencyMeasured = delaysMs.length >= MIN_FILLS_TO_FIT;
  const also = isLatencyMeasured ? `, latency on ${delaysMs.length} decisions of live runs` : "";
  const basis = `Taker fee and slippage measured on ${fills.length} fills${also}; all else from ${base.modelId}.`;
  const saved = await saveModel(ctx, { instrument, model: fitted.value.model, source, basis }, actor);
  return { ...saved, fills: fills.length };
}
