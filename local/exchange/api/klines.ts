import { findContract, type SimulatedContract } from "../market/contracts";
import { INTERVALS, type MarketSimulator } from "../market/simulator";
import { ApiError, integerParam } from "./envelope";

/** One kline as BingX v3 sends it. `volume` is null only under a fault. */
export interface Kline {
  open: string;
  close: string;
  high: string;
  low: string;
  volume: string | null;
  time: number;
}

const DEFAULT_LIMIT = 500;
export const MAX_LIMIT = 1440;

/** The contract a request names, or BingX's refusal. */
export function requiredContract(query: URLSearchParams): SimulatedContract {
  const symbol = query.get("symbol");
  if (!symbol) throw new ApiError(80014, "Invalid parameters, err: symbol is required");
  const contract = findContract(symbol);
  if (!contract) throw new ApiError(109400, `symbol ${symbol.slice(0, 40)} not exist`);
  return contract;
}

/**
 * A page of klines, newest first; the newest may still be forming. With `startTime` the page begins there (inclusive)
 * and runs forward; without it the page ends before `endTime` (exclusive) or now.
 */
export function klines(simulator: MarketSimulator, query: URLSearchParams, nowMs: number): Kline[] {
  const contract = requiredContract(query);
  const interval = query.get("interval") ?? "";
  const intervalMs = INTERVALS[interval];
  if (intervalMs === undefined) {
    throw new ApiError(
      80014,
      `Invalid parameters, err: interval must be one of ${Object.keys(INTERVALS).join(" ")}`,
    );
  }
  const limit = integerParam(query, "limit", 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
  const startTime = integerParam(query, "startTime", 0, Number.MAX_SAFE_INTEGER);
  const endTime = integerParam(query, "endTime", 0, Number.MAX_SAFE_INTEGER) ?? nowMs + 1;
  const firstMs = Math.ceil(Math.max(startTime ?? 0, simulator.historyStartMs) / intervalMs) * intervalMs;
  const lastMs = Math.floor((Math.min(endTime, nowMs + 1) - 1) / intervalMs) * intervalMs;

  const page: Kline[] = [];
  const step = startTime === undefined ? -intervalMs : intervalMs;
  for (
    let at = step > 0 ? firstMs : lastMs;
    at >= firstMs && at <= lastMs && page.length < limit;
    at += step
  ) {
    const bar = simulator.bar(contract.symbol, intervalMs, at, nowMs);
    if (!bar) continue;
    const price = (value: number) => value.toFixed(contract.pricePrecision);
    page.push({
      open: price(bar.open),
      close: price(bar.close),
      high: price(bar.high),
      low: price(bar.low),
      volume: bar.volume.toFixed(contract.quantityPrecision),
      time: bar.openTimeMs,
    });
  }
  return step > 0 ? page.reverse() : page;
}
