import type { AccountState, PendingOrder } from "../broker/types";

/** Hard limits of one run. All are required (but minConfidence): a missing limit halts, it is never a default. */
export interface RiskLimits {
  maxPositionNotionalUsd: number;
  /** Position notional over equity. */
  maxLeverage: number;
  maxDailyLossUsd: number;
  /** Equity below its peak, as a fraction of the peak. */
  maxDrawdownFraction: number;
  maxOrdersPerHour: number;
  maxBarAgeMs: number;
  /** Probability of the chosen action, in [0, 1]. */
  minConfidence?: number;
}

/** `armed` trades; every other mode lets only reducing orders through. */
export type KillMode = "armed" | "noNewRisk" | "cancelAll" | "flatten";

export interface RiskInput {
  account: AccountState;
  /** null when the decision plans nothing. */
  plannedOrder: PendingOrder | null;
  /** Signed quantities of orders on this instrument whose outcome is not settled yet (K-05). */
  unsettledOrderQtys?: readonly number[];
  referencePrice: number;
  /** Now minus the CLOSE time of the decision bar. */
  nowBarAgeMs: number;
  /** Equity at 00:00 UTC. */
  dayStartEquityUsd: number;
  ordersLastHour: number;
  killMode: KillMode;
  /** Only "running" may take new risk. */
  runStatus: string;
  /** False when any feature, probability or observation value was not finite. */
  observationFinite: boolean;
  /** Probability of the chosen action; needed only when the limits name minConfidence. */
  confidence?: number;
}

export type RiskRule =
  | "limitsReadable"
  | "inputsFinite"
  | "observationFinite"
  | "killSwitch"
  | "runStatus"
  | "barAge"
  | "positionNotional"
  | "leverage"
  | "dailyLoss"
  | "drawdown"
  | "orderRate"
  | "confidence";

export type RiskUnit = "usd" | "x" | "fraction" | "orders" | "ms" | "state";

/** One rule's answer. Numbers are null where there is none to show (states, unreadable values). */
export interface RiskVerdict {
  rule: RiskRule;
  passed: boolean;
  limit: number | null;
  value: number | null;
  /** limit − value (or value − limit for a minimum): how far from tripping; negative when tripped. */
  headroom: number | null;
  unit: RiskUnit;
  sentence: string;
}

declare const approvedBrand: unique symbol;
/** An order that passed `evaluateRisk`; nothing else can make one, so an unapproved order does not type-check. */
export type RiskApproved<T> = T & { readonly [approvedBrand]: true };

export interface RiskAssessment {
  /**
   * approved: the order may become an intent; refused: hold, the verdicts say why;
   * halt: limits or inputs cannot be trusted, so the run must stop; noOrder: nothing was planned.
   */
  outcome: "approved" | "refused" | "halt" | "noOrder";
  /** True when the order can only bring the position closer to flat. */
  isReducing: boolean;
  approved: RiskApproved<PendingOrder> | null;
  verdicts: RiskVerdict[];
  /** The first failing sentence, or that all rules passed. */
  reason: string;
}
