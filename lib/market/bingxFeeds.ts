import { ok, type Result } from "../core/result";
import { valueProblem } from "../feeds/types";
import { failure, isRecord, numberOf, type PayloadError, readData } from "./bingxPayload";

/** Funding, mark and index price, and open interest as BingX sends them; see bingxPayload.ts on false successes. */

export interface Settlement {
  fundingTimeMs: number;
  rate: number;
}

export interface FundingPage {
  /** Sound rows of the window, ascending, one per settlement. */
  settlements: Settlement[];
  /** Why rows were put aside, one sentence each; two rows of one settlement that disagree are both put aside. */
  rejected: string[];
}

/** A body of `/swap/v2/quote/fundingRate`; rows may come in any order and may repeat, later ones than `untilMs` are left out. */
export function parseFundingHistory(
  body: unknown,
  window: { symbol: string; fromMs: number; untilMs: number },
): Result<FundingPage, PayloadError> {
  const data = readData(body);
  if (!data.ok) return data;
  if (!Array.isArray(data.value)) return failure("wrongShape", "funding rates are not a list");
  const rejected: string[] = [];
  const byTime = new Map<number, number | null>();
  for (const row of data.value) {
    const fields: Record<string, unknown> = isRecord(row) ? row : {};
    const [fundingTimeMs, rate] = [numberOf(fields.fundingTime), numberOf(fields.fundingRate)];
    if (!Number.isSafeInteger(fundingTimeMs) || fundingTimeMs <= 0 || fields.symbol !== window.symbol) {
      rejected.push("a row has no time or is of another symbol");
      continue;
    }
    if (fundingTimeMs < window.fromMs || fundingTimeMs > window.untilMs) continue;
    const problem = valueProblem("funding", rate);
    const twin = byTime.get(fundingTimeMs);
    if (problem !== null) rejected.push(`settlement ${fundingTimeMs}: ${problem}`);
    else if (twin === undefined) byTime.set(fundingTimeMs, rate);
    else if (twin !== rate) {
      rejected.push(`settlement ${fundingTimeMs}: two rows disagree`);
      byTime.set(fundingTimeMs, null);
    }
  }
  const settlements = [...byTime]
    .flatMap(([fundingTimeMs, rate]) => (rate === null ? [] : [{ fundingTimeMs, rate }]))
    .sort((a, b) => a.fundingTimeMs - b.fundingTimeMs);
  return ok({ settlements, rejected });
}

export interface Premium {
  quotedAtMs: number;
  markPrice: number;
  indexPrice: number;
  /** Rate that the next settlement would take as things stand. */
  fundingEstimate: number;
  /** null when the exchange does not say. */
  fundingIntervalMs: number | null;
}

/**
 * A body of `/swap/v2/quote/premiumIndex` for one symbol: an object, or a list that holds it. A quote without a time,
 * or from after `serverTimeMs`, counts as of `serverTimeMs`.
 */
export function parsePremium(
  body: unknown,
  { symbol, serverTimeMs }: { symbol: string; serverTimeMs: number },
): Result<Premium, PayloadError> {
  const data = readData(body);
  if (!data.ok) return data;
  const rows: unknown[] = Array.isArray(data.value) ? data.value : [data.value];
  const row = rows.filter(isRecord).find((candidate) => candidate.symbol === symbol);
  if (row === undefined) return failure("wrongShape", `no mark price of ${symbol} in the answer`);
  const [markPrice, indexPrice] = [numberOf(row.markPrice), numberOf(row.indexPrice)];
  if (!(markPrice > 0 && markPrice < 1e9 && indexPrice > 0 && indexPrice < 1e9))
    return failure("wrongShape", "mark or index price is not a positive number");
  const fundingEstimate = numberOf(row.lastFundingRate);
  const problem =
    valueProblem("fundingEstimate", fundingEstimate) ??
    valueProblem("basis", basis({ markPrice, indexPrice }));
  if (problem !== null) return failure("wrongShape", problem);
  const hours = numberOf(row.fundingIntervalHours);
  return ok({
    quotedAtMs: timeOf(row.updateTime, serverTimeMs),
    markPrice,
    indexPrice,
    fundingEstimate,
    fundingIntervalMs: hours >= 1 && hours <= 24 ? hours * 3_600_000 : null,
  });
}

/** (mark - index) / index, a fraction. */
export function basis({ markPrice, indexPrice }: Pick<Premium, "markPrice" | "indexPrice">): number {
  return (markPrice - indexPrice) / indexPrice;
}

export interface OpenInterest {
  quotedAtMs: number;
  /** Open interest in quote currency, as BingX states it for USDT perpetuals (ccxt: openInterestValue). */
  valueUsd: number;
}

/** A body of `/swap/v2/quote/openInterest`. */
export function parseOpenInterest(
  body: unknown,
  { symbol, serverTimeMs }: { symbol: string; serverTimeMs: number },
): Result<OpenInterest, PayloadError> {
  const data = readData(body);
  if (!data.ok) return data;
  const row = data.value;
  if (!isRecord(row) || row.symbol !== symbol)
    return failure("wrongShape", `no open interest of ${symbol} in the answer`);
  const valueUsd = numberOf(row.openInterest);
  if (!(valueUsd > 0 && valueUsd < 1e15))
    return failure("wrongShape", "openInterest is not a positive number");
  return ok({ quotedAtMs: timeOf(row.time, serverTimeMs), valueUsd });
}

function timeOf(value: unknown, serverTimeMs: number): number {
  const time = numberOf(value);
  return Number.isSafeInteger(time) && time > 0 && time <= serverTimeMs ? time : serverTimeMs;
}
