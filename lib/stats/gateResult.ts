/** One gate of the promotion policy as it came out: value, threshold and a sentence a person can act on. */
export type GateName =
  | "minTrades"
  | "minWinRate"
  | "minNetPnl"
  | "maxDrawdown"
  | "minDsr"
  | "maxLiquidations"
  | "beatsBaselines"
  | "unseenBars"
  | "walkForward"
  | "walkForwardNetPnl"
  | "walkForwardCosts"
  | "walkForwardDsr"
  | "walkForwardPbo"
  | "walkForwardSpa"
  | "trackRecord"
  | "seeds"
  | "worstSeedDrawdown"
  | "walkForwardLiquidations"
  | "lagProbe"
  | "probes"
  | "entropy"
  | "calibration"
  | "beatsChampion";

export interface GateResult {
  gate: GateName;
  passed: boolean;
  /** null when it cannot be computed; then the gate has failed. */
  value: number | null;
  threshold: number;
  /** Name of the convention behind the value, where there is more than one; null otherwise. */
  convention: string | null;
  sentence: string;
}

/** A value with its unit; `moreDigits` are shown after the usual ones. */
export type Show = (value: number, moreDigits?: number) => string;

/** Fixed decimals; a zero has no sign. */
function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

export const percent: Show = (value, more = 0) => `${fixed(100 * value, 1 + more)} %`;
export const usd: Show = (value, more = 0) => `${fixed(value, 2 + more)} USD`;
export const whole: Show = (value, more = 0) => fixed(value, more);
export const twoDigits: Show = (value, more = 0) => fixed(value, 2 + more);
export const nats: Show = (value, more = 0) => `${fixed(value, 3 + more)} nats`;

/** `toFixed` goes up to 100; no two numbers of the size of a threshold need more digits than this to differ. */
const MORE_DIGITS_MAX = 24;

/** Both with the fewest digits that tell them apart: "0.95 is below 0.95" helps nobody. */
function shownApart(value: number, threshold: number, show: Show): [string, string] {
  for (let more = 0; more < MORE_DIGITS_MAX; more++) {
    const pair: [string, string] = [show(value, more), show(threshold, more)];
    if (pair[0] !== pair[1]) return pair;
  }
  return [`${value}`, `${threshold}`];
}

export function result(
  gate: GateName,
  label: string,
  value: number,
  threshold: number,
  passed: boolean,
  relation: string,
  show: Show,
  suffix = "",
): GateResult {
  if (!Number.isFinite(value)) {
    const sentence = `${label} cannot be computed${suffix}; the gate needs ${show(threshold)}.`;
    return { gate, passed: false, value: null, threshold, convention: null, sentence };
  }
  const [shown, limit] = shownApart(value, threshold, show);
  const met = relation === "within" ? "allowed" : "enough";
  const sentence =
    value === threshold
      ? `${label} ${show(value)} equals the limit, which is ${passed ? met : "not enough"}${suffix}.`
      : `${label} ${shown} is ${relation} ${limit}${suffix}.`;
  return { gate, passed, value, threshold, convention: null, sentence };
}

export function atLeast(
  gate: GateName,
  label: string,
  value: number,
  threshold: number,
  show: Show,
  suffix = "",
) {
  const passed = value >= threshold;
  return result(gate, label, value, threshold, passed, passed ? "at or above" : "below", show, suffix);
}

export function above(gate: GateName, label: string, value: number, threshold: number, show: Show) {
  const passed = value > threshold;
  return result(gate, label, value, threshold, passed, passed ? "above" : "not above", show);
}

export function atMost(gate: GateName, label: string, value: number, threshold: number, show: Show) {
  const passed = value <= threshold;
  return result(gate, label, value, threshold, passed, passed ? "within" : "above", show);
}
