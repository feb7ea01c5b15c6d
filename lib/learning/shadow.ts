/** When a shadow has shown enough: the running difference of returns per bar, challenger minus champion. */
import { type MeanInterval, type MeanSequence, meanInterval } from "../stats/confidenceSequence";
import type { ShadowPolicy } from "./policy";

export interface ShadowVerdict {
  verdict: "promote" | "reject" | "continue";
  interval: MeanInterval;
  sentence: string;
}

const bps = (fraction: number) => `${(10_000 * fraction).toFixed(2)} bps`;

/**
 * Promote when the interval lies above -tolerance after `minBars`, reject when it lies below or when `maxBars`
 * are over without a verdict, else go on. The interval holds at every bar, so looking at each costs nothing.
 */
export function shadowVerdict(sequence: MeanSequence, policy: ShadowPolicy): ShadowVerdict {
  const interval = meanInterval(sequence, policy);
  const { count } = sequence;
  const shown = `Over ${count} bars the challenger earned ${bps(interval.mean)} a bar more than the champion (${bps(interval.lower)} to ${bps(interval.upper)}, ${(100 * (1 - policy.alpha)).toFixed(0)} % at every bar)`;
  const limit = bps(-policy.tolerance);
  const say = (verdict: ShadowVerdict["verdict"], rest: string) => ({
    verdict,
    interval,
    sentence: `${shown}; ${rest}.`,
  });
  if (count < policy.minBars) return say("continue", `no verdict before ${policy.minBars} bars`);
  if (interval.lower > -policy.tolerance) return say("promote", `all of it is above ${limit}`);
  if (interval.upper < -policy.tolerance) return say("reject", `all of it is below ${limit}`);
  if (count >= policy.maxBars) {
    return say("reject", `after the longest shadow of ${policy.maxBars} bars it still contains ${limit}`);
  }
  return say("continue", `it still contains ${limit}`);
}
