/**
 * From a policy's answer to an order or a reasoned hold: kill switch and run state first, then the plan, then
 * risk. Pure, so that the control plane decides with it and a replay can prove what was decided.
 */
import type { AccountState, InstrumentRules, PendingOrder, SizingSpec } from "../broker/types";
import { clientOrderId } from "../order/clientOrderId";
import { planOrder } from "../order/planOrder";
import { evaluateRisk } from "../risk/evaluateRisk";
import { reducingPart } from "../risk/exposure";
import type { KillMode, RiskApproved, RiskLimits, RiskVerdict } from "../risk/types";

export interface Circumstances {
  /** What the operator wants of the run. */
  runStatus: "running" | "paused" | "stopped";
  killMode: KillMode;
  /** Now minus the close of the decision bar; 0 on a replayed feed. */
  nowBarAgeMs: number;
  dayStartEquityUsd: number;
  ordersLastHour: number;
  /** Why the run's circuit breaker is open; it stays open until a person resumes the run (K-07). */
  breaker?: string;
  /** What drift leaves of the position fraction, 0 to 1; absent while calm. */
  sizeFactor?: number;
  /** Why drift lets closing orders pass only. */
  driftHold?: string;
}

export interface AdjudicationInput extends Circumstances {
  account: AccountState;
  sizing: SizingSpec;
  rules: InstrumentRules;
  /** 0 short, 1 flat, 2 long; null when the policy gave no answer. */
  action: number | null;
  /** Probability of the action. */
  confidence: number;
  /** The worker's own reason not to act. */
  forcedHold?: string;
  referencePrice: number;
  atr: number;
  clientOrderId: string;
  limits: RiskLimits | null;
}

export interface Adjudication {
  order: RiskApproved<PendingOrder> | null;
  planned: PendingOrder | null;
  /** Set exactly when `order` is null. */
  holdReason: string | null;
  verdicts: RiskVerdict[];
}

interface Plan {
  order: PendingOrder | null;
  holdReason: string | null;
}

const hold = (holdReason: string): Plan => ({ order: null, holdReason });

function plan(input: AdjudicationInput): Plan {
  if (input.runStatus !== "running") return hold(`the run is ${input.runStatus}`);
  if (input.killMode === "cancelAll") return hold("kill switch: cancel all");
  const isFlatten = input.killMode === "flatten";
  if (!isFlatten && input.forcedHold !== undefined) return hold(input.forcedHold);
  if (!isFlatten && input.action === null) return hold("no policy output");
  const { account, referencePrice, atr, rules, clientOrderId, sizeFactor = 1 } = input;
  const sizing = { ...input.sizing, positionFraction: input.sizing.positionFraction * sizeFactor };
  const targetPosition = isFlatten || input.action === null ? 0 : input.action - 1;
  const result = planOrder({ account, targetPosition, referencePrice, atr, sizing, rules, clientOrderId });
  if ("skip" in result) return hold(result.skip === "alreadyAtTarget" ? "already at target" : result.skip);
  const restraint = restraintOf(input);
  if (restraint === null) return { order: result.order, holdReason: null };
  const closing = reducingPart(account, result.order);
  return closing === null ? hold(restraint) : { order: closing, holdReason: null };
}

/** Why only closing orders pass, or null. */
function restraintOf({ breaker, driftHold }: AdjudicationInput): string | null {
  if (breaker !== undefined) return `circuit breaker: ${breaker} Resume the run to trade again.`;
  return driftHold === undefined ? null : `drift: ${driftHold}`;
}

/** Rules whose breach opens the circuit breaker: losses, which must not heal by themselves (K-07). */
const BREAKER_RULES: ReadonlySet<string> = new Set(["dailyLoss", "drawdown"]);

/** The sentence of the first breached loss rule, or null. */
export function breachOf(verdicts: readonly RiskVerdict[]): string | null {
  return verdicts.find((verdict) => !verdict.passed && BREAKER_RULES.has(verdict.rule))?.sentence ?? null;
}

/** Decides one bar. Never throws on bad numbers: they end as a hold with the reason (fail closed). */
export function adjudicate(input: AdjudicationInput): Adjudication {
  const planned = plan(input);
  const assess = (plannedOrder: PendingOrder | null) =>
    evaluateRisk(
      {
        account: input.account,
        plannedOrder,
        referencePrice: input.referencePrice,
        nowBarAgeMs: input.nowBarAgeMs,
        dayStartEquityUsd: input.dayStartEquityUsd,
        ordersLastHour: input.ordersLastHour,
        killMode: input.killMode,
        runStatus: input.runStatus,
        observationFinite: input.forcedHold === undefined && input.action !== null,
        confidence: input.action === null ? undefined : input.confidence,
      },
      input.limits,
    );
  const assessment = assess(planned.order);
  if (assessment.outcome === "refused" && planned.order !== null) {
    // K-04: a refused flip must not keep the position it wanted to leave.
    const closing = reducingPart(input.account, planned.order);
    const second = closing === null ? null : assess(closing);
    if (closing !== null && second?.approved) {
      return { order: second.approved, planned: closing, holdReason: null, verdicts: assessment.verdicts };
    }
  }
  return {
    order: assessment.approved,
    planned: planned.order,
    holdReason: assessment.approved === null ? (planned.holdReason ?? assessment.reason) : null,
    verdicts: assessment.verdicts,
  };
}

/** The id of the order that a decision may become: one per run, bar and action. */
export function decisionOrderId(runId: string, barOpenTimeMs: number, action: number | null): string {
  return clientOrderId({ runId, barOpenTimeMs, action: action ?? "none" });
}
