/** Fits costs on our own fills: the second way to a model, once there are fills of a real venue. */
import { ConvexError } from "convex/values";
import { type CostFill, fitFills } from "../../lib/broker/fitCosts";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import type { Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { newestFills } from "../execution/model";
import { requireRun } from "../runs/model";
import { costsInForce, refuse, saveModel } from "./model";

/** Fits fee and slippage on the newest market fills of the given runs, over the model in force, and stores it. */
export async function fitFromFills(
  ctx: MutationCtx,
  { instrument, runs }: { instrument: string; runs: Id<"runs">[] },
  actor: string,
): Promise<{ modelId: string; version: number; hash: string; fills: number }> {
  if (runs.length < 1 || runs.length > LIMITS.runsPerFit) {
    refuse(`runs must name 1 to ${LIMITS.runsPerFit} runs, got ${runs.length}`, "runs");
  }
  const fills: CostFill[] = [];
  let simulated = false;
  for (const runId of runs) {
    const run = await requireRun(ctx, runId);
    if (run.instrument !== instrument)
      refuse(`Run ${runId} trades ${run.instrument}, not ${instrument}`, "runs");
    simulated ||= run.mode === "paper";
    const rows = await newestFills(ctx, runId, LIMITS.fillsPerFit);
    // A liquidation's fee holds a penalty, so it says nothing about the cost of trading.
    fills.push(...rows.filter((fill) => fill.reason !== "liquidation"));
  }
  const base = await costsInForce(ctx, instrument);
  const fitted = fitFills(fills, base.model, `${instrument}/fills`);
  if (!fitted.ok) throw new ConvexError(appError("NO_DATA", fitted.error, "runs"));
  const times = fills.map((fill) => fill.timeMs);
  const source = {
    kind: "fills" as const,
    ...{ runs, fills: fills.length, simulated },
    fromMs: Math.min(...times),
    toMs: Math.max(...times),
  };
  const basis = `Taker fee and slippage measured on ${fills.length} fills; all else from ${base.modelId}.`;
  const saved = await saveModel(ctx, { instrument, model: fitted.value.model, source, basis }, actor);
  return { ...saved, fills: fills.length };
}
