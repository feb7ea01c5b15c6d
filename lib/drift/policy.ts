/** When a running model counts as drifted, and what is done about it. */

/** What answers a level of drift. `sizeCut` scales new positions, `hold` allows closing orders only. */
export type DriftAction = "alert" | "sizeCut" | "hold" | "fallback";

export interface DriftPolicy {
  /** Live runs of the instrument and timeframe are watched. */
  enabled: boolean;
  /** Runs on replayed bars are watched too; policies of before the choice have it not and watched both. */
  replays?: boolean;
  /** Newest bars that are compared with the training reference. */
  windowBars: number;
  /** A check every so many bars. */
  checkEveryBars: number;
  /** A feature has drifted when its PSI is at least this and its KS test is refused too. */
  minPsi: number;
  /** False-discovery rate of the KS tests over all features (Benjamini-Hochberg). */
  falseDiscoveryRate: number;
  /** What counts as severe; each signal's score is its value divided by this. */
  severe: {
    /** Share of the features that have drifted. */
    featureShare: number;
    /** PSI of the actions against those on the training bars. */
    actionPsi: number;
    /** Calibration error above that on the training bars. */
    calibrationGap: number;
    /** Slippage per traded notional above that of the backtest. */
    slippageGapBps: number;
  };
  /** Scores at which a level is entered and, lower, left. */
  warning: { enter: number; leave: number };
  /** The same for severe. */
  alarm: { enter: number; leave: number };
  /** Checks in a row below `leave` before a level is left. */
  dwellChecks: number;
  onWarning: DriftAction;
  onSevere: DriftAction;
  /** What `sizeCut` multiplies the position fraction by. */
  sizeFactor: number;
}

/**
 * On for live runs, with actions that only ever lower risk. 1,000 bars because some days of one mood are not
 * another world: over the first 60 days of 2023 against 2022 (XAUUSD, 15m, core-v1), 500 bars raised ten alerts and
 * called a third of the checks a warning, 1,000 bars none.
 */
export const DEFAULT_DRIFT_POLICY: DriftPolicy = {
  enabled: true,
  replays: false,
  windowBars: 1_000,
  checkEveryBars: 20,
  minPsi: 0.25,
  falseDiscoveryRate: 0.01,
  severe: { featureShare: 0.5, actionPsi: 1, calibrationGap: 0.25, slippageGapBps: 5 },
  warning: { enter: 0.5, leave: 0.35 },
  alarm: { enter: 1, leave: 0.7 },
  dwellChecks: 6,
  onWarning: "sizeCut",
  onSevere: "hold",
  sizeFactor: 0.5,
};

/** Whether the policy watches a run on such bars. */
export function isWatched({ enabled, replays = true }: DriftPolicy, feed: "live" | "replay"): boolean {
  return enabled && (feed === "live" || replays);
}

/** Bars below which a window says nothing about a distribution. */
export const WINDOW_BARS_MIN = 50;
export const WINDOW_BARS_MAX = 2_000;

/** The first number that means nothing, or null. */
export function driftPolicyProblem(policy: DriftPolicy): { field: string; message: string } | null {
  const { severe, warning, alarm } = policy;
  const ranges: [string, number, number, number][] = [
    ["windowBars", policy.windowBars, WINDOW_BARS_MIN, WINDOW_BARS_MAX],
    ["checkEveryBars", policy.checkEveryBars, 1, 10_000],
    ["minPsi", policy.minPsi, 0, 10],
    ["falseDiscoveryRate", policy.falseDiscoveryRate, 0, 0.5],
    ["severe.featureShare", severe.featureShare, 0.01, 1],
    ["severe.actionPsi", severe.actionPsi, 0.01, 100],
    ["severe.calibrationGap", severe.calibrationGap, 0.01, 1],
    ["severe.slippageGapBps", severe.slippageGapBps, 0.01, 10_000],
    ["dwellChecks", policy.dwellChecks, 1, 10_000],
    ["sizeFactor", policy.sizeFactor, 0.01, 1],
  ];
  for (const [name, value, low, high] of ranges) {
    if (!(value >= low && value <= high)) {
      const field = `drift.${name}`;
      return { field, message: `${field} must be from ${low} to ${high}, got ${value}` };
    }
  }
  for (const name of ["windowBars", "checkEveryBars", "dwellChecks"] as const) {
    if (!Number.isInteger(policy[name])) {
      return { field: `drift.${name}`, message: `drift.${name} must be a whole number, got ${policy[name]}` };
    }
  }
  for (const [name, { enter, leave }] of [
    ["warning", warning],
    ["alarm", alarm],
  ] as const) {
    if (!(leave >= 0 && leave < enter)) {
      return {
        field: `drift.${name}`,
        message: `drift.${name} needs 0 <= leave < enter, got leave ${leave} and enter ${enter}`,
      };
    }
  }
  if (warning.enter > alarm.enter) {
    return {
      field: "drift.alarm",
      message: `drift.alarm.enter is ${alarm.enter}; it must not be below drift.warning.enter, ${warning.enter}`,
    };
  }
  return null;
}
