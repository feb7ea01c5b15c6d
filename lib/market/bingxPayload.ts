import type { InstrumentRules } from "../broker/types";
import { err, ok, type Result } from "../core/result";
import { isExpectedOpen } from "./calendar";
import { findInstrument } from "./instruments";
import { timeframeMs } from "./timeframe";
import type { Candle, SessionCalendar, Timeframe } from "./types";
import { type RejectReason, validateCandle } from "./validate";

/**
 * Reads what BingX sends as what it is. ccxt takes an HTML page, an empty body or `{code: 0, data: null}` under
 * HTTP 200 for an empty success; here each of them is a failure with a name, never "no rows".
 */
export type PayloadProblem = "notAnObject" | "codeMissing" | "errorCode" | "dataMissing" | "wrongShape";

export interface PayloadError {
  problem: PayloadProblem;
  message: string;
}

/** `data` of a successful body, or why the body is no success. */
export function readData(body: unknown): Result<unknown, PayloadError> {
  if (!isRecord(body)) return failure("notAnObject", "the body is not a JSON object");
  const code = body.code;
  if (typeof code !== "number" && typeof code !== "string")
    return failure("codeMissing", "the body has no code");
  if (Number(code) !== 0) {
    const text = typeof body.msg === "string" ? body.msg : "";
    return failure("errorCode", `code ${String(code).slice(0, 12)}: ${text.slice(0, 200)}`);
  }
  if (body.data === undefined || body.data === null)
    return failure("dataMissing", "code is 0 but data is missing");
  return ok(body.data);
}

/** Server time of `/swap/v2/server/time`, UTC milliseconds. */
export function parseServerTime(body: unknown): Result<number, PayloadError> {
  const data = readData(body);
  if (!data.ok) return data;
  const time = isRecord(data.value) ? numberOf(data.value.serverTime) : Number.NaN;
  return Number.isSafeInteger(time) && time > 0
    ? ok(time)
    : failure("wrongShape", "serverTime is not a time");
}

export interface KlineWindow {
  timeframe: Timeframe;
  /** First open time wanted. */
  fromMs: number;
  /** First open time no longer wanted. */
  toMs: number;
  /** Exchange time when the page was asked for. */
  serverTimeMs: number;
  /** A bar counts as closed this long after its end. */
  graceMs: number;
}

export interface RejectedKline {
  /** NaN when the row has no readable time. */
  openTimeMs: number;
  reason: RejectReason;
}

export interface KlinePage {
  /** Sound closed bars inside the window, ascending, one per open time. */
  bars: Candle[];
  /** Rows put aside (M-05); two rows of one open time that disagree are both put aside. */
  rejected: RejectedKline[];
  /** Rows left out because their bar has not closed yet (M-03). */
  unfinished: number;
}

/**
 * Turns a body of `/swap/v3/quote/klines` into closed bars. Rows may come in any order and may repeat (M-04).
 * A bar is closed when openTime + timeframe <= serverTime - grace, by exchange time only.
 */
export function parseKlines(body: unknown, window: KlineWindow): Result<KlinePage, PayloadError> {
  const data = readData(body);
  if (!data.ok) return data;
  if (!Array.isArray(data.value)) return failure("wrongShape", "klines are not a list");
  const rejected: RejectedKline[] = [];
  const byTime = new Map<number, Candle | null>();
  let unfinished = 0;
  for (const row of data.value) {
    const candle = toCandle(row);
    const { openTimeMs } = candle;
    if (openTimeMs < window.fromMs || openTimeMs >= window.toMs) continue;
    if (openTimeMs + timeframeMs(window.timeframe) > window.serverTimeMs - window.graceMs) {
      unfinished += 1;
      continue;
    }
    const reason = validateCandle(candle, window.timeframe);
    if (reason !== null) {
      rejected.push({ openTimeMs, reason });
      continue;
    }
    const twin = byTime.get(openTimeMs);
    if (twin === undefined) byTime.set(openTimeMs, candle);
    else if (twin === null || !sameBar(twin, candle)) {
      rejected.push({ openTimeMs, reason: "duplicate" });
      byTime.set(openTimeMs, null);
    }
  }
  const bars = [...byTime.values()].filter((bar) => bar !== null).sort((a, b) => a.openTimeMs - b.openTimeMs);
  return ok({ bars, rejected, unfinished });
}

/**
 * The bars that may be stored now: all up to the first hole that is still young enough for the exchange to fill (M-04).
 * `holeFromMs` is that hole's open time; an old hole does not hold the feed back, the gap ledger keeps it.
 */
export function barsBeforeYoungHole(
  bars: readonly Candle[],
  options: {
    timeframe: Timeframe;
    calendar: SessionCalendar;
    fromMs: number;
    serverTimeMs: number;
    retryMs: number;
  },
): { bars: Candle[]; holeFromMs: number | null } {
  const step = timeframeMs(options.timeframe);
  let expectedMs = options.fromMs;
  for (const [index, bar] of bars.entries()) {
    // Slots old enough to be given up need no look; they may be many after a long outage.
    const givenUpMs = options.serverTimeMs - options.retryMs - step;
    const skip = Math.max(0, Math.floor((givenUpMs - expectedMs) / step) + 1);
    for (let slot = expectedMs + skip * step; slot < bar.openTimeMs; slot += step) {
      if (isExpectedOpen(options.calendar, slot, step))
        return { bars: bars.slice(0, index), holeFromMs: slot };
    }
    expectedMs = bar.openTimeMs + step;
  }
  return { bars: [...bars], holeFromMs: null };
}

export interface ContractFacts {
  rules: InstrumentRules;
  calendar: SessionCalendar;
  displayName: string;
}

/** Trading hours of a BingX symbol: the desk's own table, else metals hours for commodity perpetuals (NCCO...). */
export function calendarOfSymbol(symbol: string): SessionCalendar {
  const known = findInstrument(symbol);
  if (known.ok) return known.value.calendar;
  return symbol.startsWith("NCCO") ? "metals" : "always";
}

/** The desk's name for a symbol, else the venue's, else the symbol. */
function displayNameOf(symbol: string, venueName: unknown): string {
  const known = findInstrument(symbol);
  if (known.ok) return known.value.displayName;
  return typeof venueName === "string" && venueName !== "" ? venueName.slice(0, 60) : symbol;
}

/** The gold perpetuals of a `/swap/v2/quote/contracts` body. An unreadable gold row fails the whole answer. */
export function parseGoldContracts(body: unknown): Result<ContractFacts[], PayloadError> {
  const data = readData(body);
  if (!data.ok) return data;
  if (!Array.isArray(data.value)) return failure("wrongShape", "contracts are not a list");
  const contracts: ContractFacts[] = [];
  for (const row of data.value) {
    if (!isRecord(row) || typeof row.symbol !== "string")
      return failure("wrongShape", "a contract has no symbol");
    const { symbol } = row;
    if (!/^(XAUT|PAXG|NCCOGOLD\w*|NCCOXAU\w*)-USDT$/.test(symbol)) continue;
    const rules: InstrumentRules = {
      symbol,
      tickSize: decimalStep(row.pricePrecision),
      lotStep: decimalStep(row.quantityPrecision),
      minQty: numberOf(row.tradeMinQuantity),
      minNotionalUsd: numberOf(row.tradeMinUSDT),
      maxLeverage: Math.min(numberOf(row.maxLongLeverage), numberOf(row.maxShortLeverage)),
    };
    const broken = Object.entries(rules).find(
      ([key, value]) => key !== "symbol" && !(Number(value) > 0 && Number(value) < 1e9),
    );
    if (broken) return failure("wrongShape", `contract ${symbol}: ${broken[0]} is not a positive number`);
    contracts.push({
      rules,
      calendar: calendarOfSymbol(symbol),
      displayName: displayNameOf(symbol, row.displayName),
    });
  }
  return ok(contracts);
}

function toCandle(row: unknown): Candle {
  const fields: Record<string, unknown> = isRecord(row) ? row : {};
  return {
    openTimeMs: numberOf(fields.time),
    open: numberOf(fields.open),
    high: numberOf(fields.high),
    low: numberOf(fields.low),
    close: numberOf(fields.close),
    volume: numberOf(fields.volume),
  };
}

/** A number or a plain decimal text; anything else, null and the empty text included, is NaN. */
export function numberOf(value: unknown): number {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || !/^-?\d+(\.\d+)?$/.test(value)) return Number.NaN;
  return Number(value);
}

/** The step of so many decimal places, as the nearest number to the decimal; `10 ** -4` is one bit off. */
function decimalStep(places: unknown): number {
  const count = numberOf(places);
  return Number.isInteger(count) && count >= 0 && count <= 12 ? Number(`1e-${count}`) : Number.NaN;
}

function sameBar(a: Candle, b: Candle): boolean {
  return (
    a.open === b.open && a.high === b.high && a.low === b.low && a.close === b.close && a.volume === b.volume
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function failure(problem: PayloadProblem, message: string): { ok: false; error: PayloadError } {
  return err({ problem, message });
}
