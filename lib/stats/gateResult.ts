/** One gate of the promotion policy as it came out: value, threshold and a sentence a person can act on. */
export type GateName =
  | "minTrades"
  | "minWinRate"
  | "minNetPnl"
  | "maxDrawdown"
  | "minDsr"
  | "maxLiquidations"
  | "beatsBaselines"
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

export const percent: Show = (value) => `${(100 * value).toFixed(1)} %`;
export const usd: Show = (value) => `${value.toFixed(2)} USD`;
export const whole: Show = (value) => value.toFixed(0);
export const twoDigits: Show = (value) => value.toFixed(2);

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
  // "0.95 is below 0.95" helps nobody: a near miss is shown in full.
  const isNear = value !== threshold && show(value) === show(threshold);
  const shown = isNear ? String(value) : show(value);
  const sentence = `${label} ${shown} is ${relation} ${show(threshold)}${suffix}.`;
  return { gate, passed, value, threshold, convention: null, sentence };
}

export type Show = (value: number) => string;

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
