import { err, ok, type Result } from "../core/result";
import { costModelHash, halfSpreadAt } from "./charges";
import { ASSUMED_EXTRAS } from "./costModels";
import type { CostModel, HourlySpread } from "./types";

/** One row of a spread file: the quoted spread of one hour of the day (UTC) in one month, in price units. */
export interface SpreadRow {
  /** "2025-07" */
  month: string;
  hourUtc: number;
  bars: number;
  p50: number;
  p90: number;
  p99: number;
}

const HEADER = "month,utc_hour,bars,spread_points_median,spread_points_p90,spread_points_p99";
const MAX_ROWS = 24 * 12 * 50;

/**
 * Reads a spread file: CSV with the columns of HEADER first, further ones ignored. `pointUsd` is the price of one
 * point. The error names the line, the field, what it must be, and what it is.
 */
export function parseSpreadCsv(text: string, pointUsd: number): Result<SpreadRow[]> {
  if (!(pointUsd > 0 && pointUsd < 1e6)) return err(`pointUsd must be above 0, got ${pointUsd}`);
  const lines = text.split(/\r?\n/);
  const [header = "", ...body] = lines;
  if (header !== HEADER && !header.startsWith(`${HEADER},`)) {
    return err(`line 1: the columns must start with ${HEADER}, got "${header.slice(0, 120)}"`);
  }
  const rows: SpreadRow[] = [];
  const seen = new Set<string>();
  for (const [i, line] of body.entries()) {
    if (line === "") continue;
    const row = parseRow(line, pointUsd);
    if (typeof row === "string") return err(`line ${i + 2}: ${row}`);
    const key = `${row.month} ${row.hourUtc}`;
    if (seen.has(key)) return err(`line ${i + 2}: month ${row.month}, hour ${row.hourUtc} is there twice`);
    seen.add(key);
    rows.push(row);
    if (rows.length > MAX_ROWS)
      return err(`line ${i + 2}: more than ${MAX_ROWS} rows; is this a spread file?`);
  }
  return rows.length === 0 ? err("the file has no rows after its header") : ok(rows);
}

/** The row, or what is wrong with it. */
function parseRow(line: string, pointUsd: number): SpreadRow | string {
  const [month = "", ...cells] = line.split(",");
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month))
    return `month must be like 2025-07, got "${month.slice(0, 20)}"`;
  const numbers = cells.slice(0, 5).map((cell) => (cell.trim() === "" ? Number.NaN : Number(cell)));
  const [hourUtc, bars, ...points] = numbers;
  if (!Number.isInteger(hourUtc) || hourUtc! < 0 || hourUtc! > 23) {
    return `utc_hour must be a whole number from 0 to 23, got "${cells[0]}"`;
  }
  if (!Number.isInteger(bars) || bars! < 1) return `bars must be a whole number above 0, got "${cells[1]}"`;
  const [p50, p90, p99] = points.map((value) => value * pointUsd);
  // Written so that NaN and a missing cell fail.
  if (!(p50! >= 0 && p90! >= p50! && p99! >= p90! && p99! < 1e6)) {
    return `spreads must be numbers with 0 <= median <= p90 <= p99, got ${cells.slice(2, 5).join(", ")}`;
  }
  return { month, hourUtc: hourUtc!, bars: bars!, p50: p50!, p90: p90!, p99: p99! };
}

export interface SpreadFit {
  model: CostModel;
  fromMonth: string;
  toMonth: string;
  bars: number;
  /** Hours of the day without a row: charged as the dearest measured hour. */
  hoursMissing: number[];
}

export interface SpreadFitOptions {
  rows: readonly SpreadRow[];
  /** Price that turns a month's spread into bps, in the unit of the spreads; undefined when there is none. */
  priceOf(month: string): number | undefined;
  /** Everything that a spread file does not say: fees, slippage, funding, margin. */
  base: CostModel;
  /** Starts the id; the content's hash ends it. */
  name: string;
  /** Months to use, both inclusive; default: the newest twelve of the file. */
  fromMonth?: string;
  toMonth?: string;
}

/**
 * A cost model whose half spread is measured by hour of the day: each quantile is the mean over the months of that
 * month's quantile in bps of its price, weighted by bars, rounded to 1e-4 bps. Equal input gives an equal id.
 */
export function fitSpread(options: SpreadFitOptions): Result<SpreadFit> {
  const { rows, base, name } = options;
  const months = [...new Set(rows.map((row) => row.month))].sort();
  const toMonth = options.toMonth ?? months.at(-1)!;
  const fromMonth = options.fromMonth ?? months.filter((month) => month <= toMonth).slice(-12)[0] ?? toMonth;
  const used = rows.filter((row) => row.month >= fromMonth && row.month <= toMonth);
  if (used.length === 0) {
    return err(`no rows from ${fromMonth} to ${toMonth}; the file has ${months[0]} to ${months.at(-1)}`);
  }
  const sums = Array.from({ length: 24 }, () => ({ bars: 0, p50: 0, p90: 0, p99: 0 }));
  for (const row of used) {
    const price = options.priceOf(row.month);
    if (price === undefined || !(price > 0)) {
      return err(
        `there is no price for ${row.month} to turn its spread into bps; import its bars or give a price`,
      );
    }
    const sum = sums[row.hourUtc]!;
    const halfBps = (row.bars * 0.5 * 1e4) / price;
    sum.bars += row.bars;
    sum.p50 += row.p50 * halfBps;
    sum.p90 += row.p90 * halfBps;
    sum.p99 += row.p99 * halfBps;
  }
  const hoursMissing = sums.flatMap((sum, hour) => (sum.bars === 0 ? [hour] : []));
  const column = (quantile: "p50" | "p90" | "p99") => {
    const measured = sums.filter((sum) => sum.bars > 0).map((sum) => sum[quantile] / sum.bars);
    const dearest = Math.max(...measured);
    return sums.map((sum) => roundBps(sum.bars === 0 ? dearest : sum[quantile] / sum.bars));
  };
  const spread: HourlySpread = { p50Bps: column("p50"), p90Bps: column("p90"), p99Bps: column("p99") };
  const bars = used.reduce((sum, row) => sum + row.bars, 0);
  const halfSpreadBps = roundBps(sums.reduce((sum, hour) => sum + hour.p50, 0) / bars);
  const model = named(name, { ...base, halfSpreadBps, spread });
  return ok({ model, fromMonth, toMonth, bars, hoursMissing });
}

/** What a market fill of ours says about its cost. */
export interface CostFill {
  timeMs: number;
  /** Signed: positive buys. */
  qty: number;
  price: number;
  /** Price at the decision to trade: the bar's open, or the level of a stop. */
  referencePrice: number;
  feeUsd: number;
}

const CAUGHT_UP_MS = 3_600_000;

/** Below this a 90 % quantile is one or two fills. */
export const MIN_FILLS_TO_FIT = 30;

/**
 * A cost model whose taker fee and slippage are measured on our own fills; the spread stays that of `base`.
 * Slippage is what a fill paid against its reference beyond the half spread of its hour: median and 90 % quantile
 * (nearest rank), not below zero. The fee is the median. `delaysMs` are those from a bar's close to the order of its
 * decision; from as many as are needed of fills on, their median and 90 % quantile are the latency, else that of `base`
 * stays.
 */
export function fitFills(
  fills: readonly CostFill[],
  base: CostModel,
  name: string,
  delaysMs: readonly number[] = [],
): Result<{ model: CostModel; fills: number }> {
  if (fills.length < MIN_FILLS_TO_FIT) {
    return err(`${fills.length} fills are too few to fit costs on; at least ${MIN_FILLS_TO_FIT} are needed`);
  }
  const median: CostModel = { ...base, charge: "p50" };
  const beyond: number[] = [];
  const fees: number[] = [];
  for (const { timeMs, qty, price, referencePrice, feeUsd } of fills) {
    const paidBps = Math.sign(qty) * (price / referencePrice - 1) * 1e4;
    const feeBps = (feeUsd / (Math.abs(qty) * price)) * 1e4;
    if (!Number.isFinite(paidBps) || !Number.isFinite(feeBps)) {
      return err(`the fill at ${timeMs} has no usable quantity or price; leave it out`);
    }
    beyond.push(paidBps - halfSpreadAt(median, timeMs));
    fees.push(feeBps);
  }
  const slippageBps = Math.max(0, roundBps(rank(beyond, 0.5)));
  const slippageP90Bps = Math.max(slippageBps, roundBps(rank(beyond, 0.9)));
  const takerFeeBps = Math.max(0, roundBps(rank(fees, 0.5)));
  const { degradeAboveMs } = base.latency ?? ASSUMED_EXTRAS.latency;
  // A bar that was caught up on later says nothing of how long an order takes.
  const measured = delaysMs.filter((delayMs) => delayMs <= CAUGHT_UP_MS);
  const latency =
    measured.length < MIN_FILLS_TO_FIT
      ? {}
      : { latency: { p50Ms: rank(measured, 0.5), p90Ms: rank(measured, 0.9), degradeAboveMs } };
  return ok({
    model: named(name, { ...base, takerFeeBps, slippageBps, slippageP90Bps, ...latency }),
    fills: fills.length,
  });
}

/** Value at the nearest rank of a probability. */
function rank(values: readonly number[], probability: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(probability * sorted.length) - 1)]!;
}

function roundBps(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}

/** The id names the content, so that equal fits are one model and a changed one cannot keep its name. */
function named(name: string, model: CostModel): CostModel {
  return { ...model, id: `${name}#${costModelHash({ ...model, id: name }).slice(0, 8)}` };
}
