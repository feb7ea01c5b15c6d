/** What a walk-forward says, in words and curves. Pure, so that the sentences can be tested. */
import { joinDailyReturns } from "../../../lib/stats/dailyReturns";
import { formatItems, UNKNOWN } from "../../format";
import type { Gate } from "../GateList";

const DAY_MS = 86_400_000;

export interface Curve {
  subject: string;
  fold: number;
  dayMs: number[];
  returns: number[];
}

const BASELINES: Record<string, string> = {
  flat: "Flat",
  buyAndHold: "Buy and hold",
  momentum: "Momentum",
  random: "Random",
};

/** `seed:3` → Seed 3, `champion:3` → Champion, seed 3, `buyAndHold` → Buy and hold. */
export function subjectName(subject: string): string {
  const [kind, seed] = subject.split(":");
  if (kind === "seed") return `Seed ${seed}`;
  if (kind === "champion") return `Champion, seed ${seed}`;
  return BASELINES[subject] ?? subject;
}

/** Compounded return since the first test day at the end of each day, 0 before the first; folds in order. */
export function compounded(curves: readonly Curve[], subject: string): { timeMs: number; value: number }[] {
  const own = curves.filter((curve) => curve.subject === subject).sort((a, b) => a.fold - b.fold);
  if (own.length === 0) return [];
  const { dayMs, returns } = joinDailyReturns(own);
  const points = dayMs.length > 0 ? [{ timeMs: dayMs[0]!, value: 0 }] : [];
  let growth = 1;
  for (const [i, day] of dayMs.entries()) {
    growth *= 1 + returns[i]!;
    points.push({ timeMs: day + DAY_MS, value: growth - 1 });
  }
  return points;
}

/** Gates that chance can fail, with the words of the headline. */
const LUCK: Record<string, string> = {
  walkForwardDsr: "the deflated Sharpe over all trials",
  walkForwardPbo: "the probability of overfitting",
  walkForwardSpa: "superiority over every rival",
  trackRecord: "the length of the track record",
  probes: "the probes",
};

export interface Verdict {
  /** Answers "better than luck, and than the champion?" */
  headline: string;
  /** What it means for promotion. */
  consequence: string;
  isBetter: boolean;
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? "") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** The headline of a finished walk-forward, from the gates as they stand now. */
export function verdictOf(gates: readonly Gate[]): Verdict {
  const failed = gates.filter((gate) => !gate.passed);
  const luck = failed.flatMap(({ gate }) => LUCK[gate] ?? []);
  const champion = gates.find(({ gate }) => gate === "beatsChampion");
  const overLuck =
    luck.length === 0
      ? "Better than luck"
      : `Not shown to be better than luck: ${listed(luck)} ${luck.length === 1 ? "speaks" : "speak"} against it`;
  const overChampion =
    champion === undefined
      ? "there is no champion beside it"
      : champion.passed
        ? "it beats the champion on the same folds"
        : "it does not beat the champion on the same folds";
  return {
    headline: `${overLuck}; ${overChampion}.`,
    consequence:
      failed.length === 0
        ? `All ${gates.length} gates of the walk-forward pass.`
        : `${formatItems(failed.length, "gate")} of ${gates.length} ${failed.length === 1 ? "fails" : "fail"}: it cannot be promoted.`,
    isBetter: luck.length === 0 && champion?.passed !== false,
  };
}

/** `1, 2,3` → [1, 2, 3]; null when a part is not a number. */
export function parseNumberList(text: string): number[] | null {
  const parts = text
    .split(/[\s,;]+/)
    .filter((part) => part !== "")
    .map(Number);
  return parts.length === 0 || parts.some((value) => !Number.isFinite(value)) ? null : parts;
}

/** `learningRate=0.0003, epochs=4` → a record; null and the part that cannot be read otherwise. */
export function parseOverrides(
  text: string,
): { ok: true; value: Record<string, number> } | { ok: false; part: string } {
  const value: Record<string, number> = {};
  for (const part of text.split(/[\s,;]+/).filter((piece) => piece !== "")) {
    const match = /^([A-Za-z]\w*)=(\S+)$/.exec(part);
    if (match === null || !Number.isFinite(Number(match[2])) || match[1]! in value)
      return { ok: false, part };
    value[match[1]!] = Number(match[2]);
  }
  return { ok: true, value };
}

export function showOverrides(values: Record<string, number>): string {
  const parts = Object.entries(values).map(([name, value]) => `${name}=${showHyperparameter(value)}`);
  return parts.length === 0 ? UNKNOWN : parts.join(", ");
}

/** Four significant digits: 0.0003, 0.00001234, 512. */
export function showHyperparameter(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
}
