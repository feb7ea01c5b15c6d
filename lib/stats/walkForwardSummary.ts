/** What a walk-forward says as a whole: seeds, folds, costs, lag and baselines, all out of sample. */
import { DAILY_CONVENTION, type DailyReturns, joinDailyReturns } from "./dailyReturns";
import { moments } from "./moments";
import type { Performance } from "./performance";
import { BASELINE_NAMES } from "./reportTypes";
import { maxDrawdown } from "./returns";
import { superiorPredictiveAbility } from "./superiorPredictiveAbility";

/** One test span of one subject under one condition; `daily` and `performance` follow from its trades and equity. */
export interface WalkForwardSlice {
  /** `seed:N` (retrained candidate), `champion:N` (retrained champion), or the name of a baseline. */
  subject: string;
  fold: number;
  /** Fees, spread, slippage and funding are multiplied by this. */
  costMultiplier: number;
  /** Bars by which every decision is late; 0 but for the lag probe. */
  lagBars: number;
  performance: Pick<
    Performance,
    "netPnlUsd" | "tradeCount" | "winRate" | "liquidations" | "stops" | "costs" | "maxDrawdownFraction"
  >;
  daily: DailyReturns;
  /** Mean policy entropy in nats; null for baselines. */
  entropy: number | null;
  /** |stated confidence − frequency| over bins of the calibrated confidence; null where nothing was stated. */
  calibrationError: number | null;
}

/** Folds of one subject joined in time. */
export interface SeriesSummary {
  subject: string;
  netPnlUsd: number;
  /** Daily returns compounded: each fold starts with a full account. */
  netReturnFraction: number;
  foldNetPnlUsd: number[];
  sharpe: {
    convention: typeof DAILY_CONVENTION;
    perObservation: number;
    annualised: number;
    observations: number;
    skew: number;
    kurtosis: number;
  };
  maxDrawdownFraction: number;
  tradeCount: number;
  winRate: number;
  liquidations: number;
}

export interface WalkForwardSummary {
  /** One a seed, in the order of the seeds. */
  seeds: SeriesSummary[];
  /** Subject of the seed with the median net PnL (the lower one of an even number): the figure to quote. */
  medianSubject: string;
  netPnlUsd: { median: number; mean: number; deviation: number; worst: number; best: number };
  worstDrawdownFraction: number;
  /** Folds of the median seed that made money. */
  profitableFolds: number;
  folds: number;
  stress: Array<{ costMultiplier: number; medianNetPnlUsd: number; worstNetPnlUsd: number }>;
  /** Share of the median seed's net PnL that is left when every decision is one bar late; null without an edge. */
  lagKeptFraction: number | null;
  baselines: SeriesSummary[];
  champion: SeriesSummary | null;
  /** Hansen's consistent p of the median seed against each; null where too few days. */
  superiority: Array<{ against: string; pConsistent: number | null }>;
  /** Means over the seeds' slices. */
  entropy: number | null;
  calibrationError: number | null;
}

/** Trading days a year that daily figures are annualised with: gold trades some 260. */
const DAYS_PER_YEAR = 260;
const SPA = { restartProbability: 0.1, draws: 2_000, seed: 1 } as const;
const SPA_DAYS_MIN = 20;

/** Bars by which the lag probe is late. */
export const LAG_BARS = 1;
export const seedSubject = (seed: number) => `seed:${seed}`;
export const championSubject = (seed: number) => `champion:${seed}`;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** Folds in order; throws when one is missing or doubled. */
export function summariseSeries(subject: string, slices: readonly WalkForwardSlice[]): SeriesSummary {
  const ordered = [...slices].sort((a, b) => a.fold - b.fold);
  if (ordered.length === 0 || ordered.some((slice, i) => slice.fold !== i)) {
    throw new RangeError(`${subject} has folds ${ordered.map(({ fold }) => fold).join(", ")}; each once.`);
  }
  const { returns } = joinDailyReturns(ordered.map(({ daily }) => daily));
  const equity = [1];
  for (const value of returns) equity.push(equity.at(-1)! * (1 + value));
  const { count, mean: average, deviation, skew, kurtosis } = moments(returns);
  const perObservation = deviation > 0 ? average / deviation : 0;
  const total = (pick: (slice: WalkForwardSlice) => number) =>
    ordered.reduce((sum, slice) => sum + pick(slice), 0);
  const tradeCount = total((slice) => slice.performance.tradeCount);
  const wins = total((slice) => slice.performance.winRate * slice.performance.tradeCount);
  return {
    subject,
    netPnlUsd: total((slice) => slice.performance.netPnlUsd),
    netReturnFraction: equity.at(-1)! - 1,
    foldNetPnlUsd: ordered.map((slice) => slice.performance.netPnlUsd),
    sharpe: {
      convention: DAILY_CONVENTION,
      perObservation,
      annualised: perObservation * Math.sqrt(DAYS_PER_YEAR),
      observations: count,
      skew,
      kurtosis,
    },
    // Days hide what happens within them, folds what happens across them.
    maxDrawdownFraction: Math.max(
      maxDrawdown(equity).maxDrawdownFraction,
      ...ordered.map((slice) => slice.performance.maxDrawdownFraction),
    ),
    tradeCount,
    winRate: tradeCount > 0 ? wins / tradeCount : 0,
    liquidations: total((slice) => slice.performance.liquidations),
  };
}

/** p of the consistent variant that `candidate` is no better than `benchmark`; days of one calendar. */
export function superiorityP(candidate: DailyReturns, benchmark: DailyReturns): number | null {
  const rows = candidate.returns.length;
  if (rows < SPA_DAYS_MIN || benchmark.returns.length !== rows) return null;
  const losses = new Float64Array(rows * 2);
  for (let t = 0; t < rows; t++) {
    losses[t * 2] = -benchmark.returns[t]!;
    losses[t * 2 + 1] = -candidate.returns[t]!;
  }
  return superiorPredictiveAbility({ losses, rows, columns: 2, ...SPA }).pConsistent;
}

const isPlain = ({ costMultiplier, lagBars }: WalkForwardSlice) => costMultiplier === 1 && lagBars === 0;
const isSeed = ({ subject }: WalkForwardSlice) => subject.startsWith("seed:");

function bySubject(slices: readonly WalkForwardSlice[]): Map<string, WalkForwardSlice[]> {
  const groups = new Map<string, WalkForwardSlice[]>();
  for (const slice of slices) groups.set(slice.subject, [...(groups.get(slice.subject) ?? []), slice]);
  return groups;
}

function summariseAll(slices: readonly WalkForwardSlice[]): SeriesSummary[] {
  return [...bySubject(slices)].map(([subject, own]) => summariseSeries(subject, own));
}

/** Lower median by net PnL: of an even number the worse of the two. */
export function medianByPnl(series: readonly SeriesSummary[]): SeriesSummary {
  const sorted = [...series].sort((a, b) => a.netPnlUsd - b.netPnlUsd);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}

function lagKept(slices: readonly WalkForwardSlice[], median: SeriesSummary): number | null {
  const late = slices.filter((slice) => slice.subject === median.subject && slice.lagBars > 0);
  if (late.length === 0 || !(median.netPnlUsd > 0)) return null;
  return summariseSeries(median.subject, late).netPnlUsd / median.netPnlUsd;
}

const averageOf = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null);
  return known.length > 0 ? mean(known) : null;
};

/** Every slice of a finished walk-forward in, one summary out. Throws on missing folds or no seed. */
export function summariseWalkForward(slices: readonly WalkForwardSlice[]): WalkForwardSummary {
  const plain = slices.filter(isPlain);
  const seedSlices = plain.filter(isSeed);
  const seeds = summariseAll(seedSlices);
  if (seeds.length === 0) throw new RangeError("A walk-forward needs at least one seed.");
  const median = medianByPnl(seeds);
  const pnl = seeds.map(({ netPnlUsd }) => netPnlUsd);
  const isBaseline = ({ subject }: WalkForwardSlice) =>
    (BASELINE_NAMES as readonly string[]).includes(subject);
  const champions = summariseAll(plain.filter(({ subject }) => subject.startsWith("champion:")));
  const champion = champions.length > 0 ? medianByPnl(champions) : null;
  const multipliers = [...new Set(slices.map(({ costMultiplier }) => costMultiplier))].sort((a, b) => a - b);
  const dailyOf = (subject: string) =>
    joinDailyReturns(
      plain
        .filter((slice) => slice.subject === subject)
        .sort((a, b) => a.fold - b.fold)
        .map(({ daily }) => daily),
    );
  const baselines = summariseAll(plain.filter(isBaseline));
  const rivals = [...baselines, ...(champion === null ? [] : [champion])];
  return {
    seeds,
    medianSubject: median.subject,
    netPnlUsd: {
      median: median.netPnlUsd,
      mean: mean(pnl),
      deviation: moments(pnl).deviation,
      worst: Math.min(...pnl),
      best: Math.max(...pnl),
    },
    worstDrawdownFraction: Math.max(...seeds.map(({ maxDrawdownFraction }) => maxDrawdownFraction)),
    profitableFolds: median.foldNetPnlUsd.filter((value) => value > 0).length,
    folds: median.foldNetPnlUsd.length,
    stress: multipliers.map((costMultiplier) => {
      const stressed = summariseAll(
        slices.filter(
          (slice) => isSeed(slice) && slice.costMultiplier === costMultiplier && slice.lagBars === 0,
        ),
      );
      return {
        costMultiplier,
        medianNetPnlUsd: medianByPnl(stressed).netPnlUsd,
        worstNetPnlUsd: Math.min(...stressed.map(({ netPnlUsd }) => netPnlUsd)),
      };
    }),
    lagKeptFraction: lagKept(slices, median),
    baselines,
    champion,
    superiority: rivals.map(({ subject }) => ({
      against: subject,
      pConsistent: superiorityP(dailyOf(median.subject), dailyOf(subject)),
    })),
    entropy: averageOf(seedSlices.map(({ entropy }) => entropy)),
    calibrationError: averageOf(seedSlices.map(({ calibrationError }) => calibrationError)),
  };
}
