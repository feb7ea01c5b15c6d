import type { PendingOrder } from "../broker/types";
import { isReducingOrder, worstCasePositionQty } from "./exposure";
import { parseRiskLimits } from "./limits";
import type {
  KillMode,
  RiskApproved,
  RiskAssessment,
  RiskInput,
  RiskLimits,
  RiskRule,
  RiskUnit,
  RiskVerdict,
} from "./types";

const KILL_MODES: readonly KillMode[] = ["armed", "noNewRisk", "cancelAll", "flatten"];

/**
 * Judges one planned order against one run's limits and answers rule by rule. Pure.
 *
 * Order of authority: unreadable limits halt (K-08); non-finite inputs halt, for reducing orders too; a reducing
 * order then passes every limit (K-04), with the verdicts still shown; any other order needs every rule.
 * With no planned order the rules are judged on the position as it is, and nothing is approved.
 */
export function evaluateRisk(input: RiskInput, limits: RiskLimits | null): RiskAssessment {
  const parsed = parseRiskLimits(limits);
  if (!parsed.ok) return halt([stateVerdict("limitsReadable", false, parsed.error)]);
  const finite = finiteVerdict(input);
  if (!finite.passed) return halt([finite]);

  const order = input.plannedOrder;
  const unsettled = input.unsettledOrderQtys ?? [];
  const isReducing = order !== null && isReducingOrder(input.account.positionQty, order, unsettled);
  const verdicts = [
    stateVerdict("limitsReadable", true, "All limits are set and readable."),
    finite,
    ...stateVerdicts(input),
    ...limitVerdicts(input, parsed.value),
  ];
  const failed = verdicts.find((verdict) => !verdict.passed);
  if (order === null) {
    return {
      outcome: "noOrder",
      isReducing: false,
      approved: null,
      verdicts,
      reason: "No order was planned.",
    };
  }
  if (isReducing) {
    const reason = "The order only reduces the position; limits do not hold it back.";
    return { outcome: "approved", isReducing, approved: approve(order), verdicts, reason };
  }
  if (failed !== undefined) {
    return { outcome: "refused", isReducing, approved: null, verdicts, reason: failed.sentence };
  }
  const reason = `All ${verdicts.length} rules passed.`;
  return { outcome: "approved", isReducing, approved: approve(order), verdicts, reason };
}

/** The only place that grants the brand. */
function approve(order: PendingOrder): RiskApproved<PendingOrder> {
  return order as RiskApproved<PendingOrder>;
}

function halt(verdicts: RiskVerdict[]): RiskAssessment {
  return { outcome: "halt", isReducing: false, approved: null, verdicts, reason: verdicts[0]!.sentence };
}

function stateVerdict(rule: RiskRule, passed: boolean, sentence: string): RiskVerdict {
  return { rule, passed, limit: null, value: null, headroom: null, unit: "state", sentence };
}

function finiteVerdict(input: RiskInput): RiskVerdict {
  const { account, plannedOrder } = input;
  const numbers: Array<[string, number]> = [
    ["equityUsd", account.equityUsd],
    ["peakEquityUsd", account.peakEquityUsd],
    ["positionQty", account.positionQty],
    ["referencePrice", input.referencePrice > 0 ? input.referencePrice : Number.NaN],
    ["nowBarAgeMs", input.nowBarAgeMs],
    ["dayStartEquityUsd", input.dayStartEquityUsd],
    ["ordersLastHour", input.ordersLastHour],
    ["order qty", plannedOrder?.qty ?? 0],
    ["order stopPrice", plannedOrder?.stopPrice ?? 0],
    ...(input.unsettledOrderQtys ?? []).map((qty): [string, number] => ["unsettled order qty", qty]),
  ];
  const bad = numbers.find(
    ([, value]) => !Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER,
  );
  if (bad === undefined) return stateVerdict("inputsFinite", true, "Every number is finite.");
  return stateVerdict(
    "inputsFinite",
    false,
    `${bad[0]} is not a usable number (${bad[1]}); nothing may be sent.`,
  );
}

function stateVerdicts(input: RiskInput): RiskVerdict[] {
  const { killMode, runStatus, observationFinite } = input;
  const isArmed = killMode === "armed";
  const killSentence = isArmed
    ? "The kill switch is armed and lets orders through."
    : KILL_MODES.includes(killMode)
      ? `The kill switch is in mode ${killMode}; only reducing orders may pass.`
      : `The kill switch is in an unreadable mode (${String(killMode)}); only reducing orders may pass.`;
  const isRunning = runStatus === "running";
  return [
    stateVerdict(
      "observationFinite",
      observationFinite,
      observationFinite
        ? "Every observed value is finite."
        : "The observation holds a value that is not finite; the decision cannot be trusted.",
    ),
    stateVerdict("killSwitch", isArmed, killSentence),
    stateVerdict(
      "runStatus",
      isRunning,
      isRunning ? "The run is running." : `The run is ${runStatus}; only a running run may take new risk.`,
    ),
  ];
}

function limitVerdicts(input: RiskInput, limits: RiskLimits): RiskVerdict[] {
  const { account, plannedOrder, referencePrice } = input;
  const worstQty = worstCasePositionQty(account.positionQty, plannedOrder, input.unsettledOrderQtys ?? []);
  const notionalUsd = worstQty * referencePrice;
  const equityUsd = account.equityUsd;
  // Without equity any position is beyond any leverage; a finite stand-in keeps the verdict storable.
  const bare = equityUsd > 0 ? notionalUsd / equityUsd : Number.MAX_SAFE_INTEGER;
  const leverage = notionalUsd === 0 ? 0 : Math.min(bare, Number.MAX_SAFE_INTEGER);
  const dailyLossUsd = Math.max(0, input.dayStartEquityUsd - equityUsd);
  const drawdown = account.peakEquityUsd > 0 ? Math.max(0, 1 - equityUsd / account.peakEquityUsd) : 1;
  const ordersWithThis = input.ordersLastHour + (plannedOrder === null ? 0 : 1);
  const verdicts = [
    atMost("barAge", "Decision bar age", input.nowBarAgeMs, limits.maxBarAgeMs, "ms"),
    atMost("positionNotional", "Worst-case position", notionalUsd, limits.maxPositionNotionalUsd, "usd"),
    atMost("leverage", "Worst-case leverage", leverage, limits.maxLeverage, "x"),
    below("dailyLoss", "Loss since 00:00 UTC", dailyLossUsd, limits.maxDailyLossUsd, "usd"),
    below("drawdown", "Drawdown from the peak", drawdown, limits.maxDrawdownFraction, "fraction"),
    atMost("orderRate", "Orders in the last hour", ordersWithThis, limits.maxOrdersPerHour, "orders"),
  ];
  if (limits.minConfidence !== undefined) verdicts.push(confidenceVerdict(input, limits.minConfidence));
  return verdicts;
}

function show(value: number, unit: RiskUnit): string {
  const digits =
    unit === "usd" ? value.toFixed(2) : unit === "ms" || unit === "orders" ? String(value) : value.toFixed(4);
  return unit === "state" || unit === "fraction" ? digits : `${digits} ${unit}`;
}

function atMost(rule: RiskRule, label: string, value: number, limit: number, unit: RiskUnit): RiskVerdict {
  const passed = value <= limit;
  const sentence = `${label} ${show(value, unit)} is ${passed ? "within" : "above"} the limit ${show(limit, unit)}.`;
  return { rule, passed, limit, value, headroom: limit - value, unit, sentence };
}

/** Binary noise that must not keep a limit from tripping (1 − 1000/1250 is a hair under 0.2). */
const NOISE = 1e-12;

/** Like `atMost`, but reaching the limit trips it: a loss limit of 0 allows no new risk at all. */
function below(rule: RiskRule, label: string, value: number, limit: number, unit: RiskUnit): RiskVerdict {
  const passed = value < limit * (1 - NOISE);
  const relation = passed ? "below" : "at or above";
  const sentence = `${label} ${show(value, unit)} is ${relation} the limit ${show(limit, unit)}.`;
  return { rule, passed, limit, value, headroom: limit - value, unit, sentence };
}

function confidenceVerdict(input: RiskInput, limit: number): RiskVerdict {
  const value = input.confidence;
  const rule = "confidence";
  const unit = "fraction";
  if (value === undefined || !Number.isFinite(value)) {
    const sentence = `The decision carries no confidence, and the limit asks for at least ${show(limit, unit)}.`;
    return { rule, passed: false, limit, value: null, headroom: null, unit, sentence };
  }
  const passed = value >= limit;
  const relation = passed ? "at or above" : "below";
  const sentence = `Confidence ${show(value, unit)} is ${relation} the minimum ${show(limit, unit)}.`;
  return { rule, passed, limit, value, headroom: value - limit, unit, sentence };
}
