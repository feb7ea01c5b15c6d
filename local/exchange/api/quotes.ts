import { CONTRACTS, type SimulatedContract } from "../market/contracts";
import { DAY_MS, isTrading, MINUTE_MS } from "../market/hours";
import { createNoise, nameKey } from "../market/noise";
import { FUNDING_INTERVAL_MS, type MarketSimulator } from "../market/simulator";
import { ApiError, integerParam } from "./envelope";
import { requiredContract } from "./klines";

const BOOK_KEY = 21;
const DEPTH_LIMITS = [5, 10, 20, 50, 100, 500, 1000];

/** Contract rows of `/swap/v2/quote/contracts`. A shut market keeps its row; only new positions are refused then. */
export function contracts(nowMs: number): unknown[] {
  return CONTRACTS.map((contract) => ({
    contractId: contract.contractId,
    symbol: contract.symbol,
    displayName: contract.displayName,
    size: String(1 / 10 ** contract.quantityPrecision),
    quantityPrecision: contract.quantityPrecision,
    pricePrecision: contract.pricePrecision,
    feeRate: contract.takerFeeRate,
    makerFeeRate: contract.makerFeeRate,
    takerFeeRate: contract.takerFeeRate,
    tradeMinLimit: 0,
    tradeMinQuantity: contract.tradeMinQuantity,
    tradeMinUSDT: contract.tradeMinUsdt,
    maxLongLeverage: contract.maxLeverage,
    maxShortLeverage: contract.maxLeverage,
    currency: "USDT",
    asset: contract.asset,
    status: 1,
    apiStateOpen: isTrading(contract.calendar, nowMs) ? "true" : "false",
    apiStateClose: "true",
    ensureTrigger: true,
    triggerFeeRate: "0.00050000",
  }));
}

interface TopOfBook {
  bid: number;
  ask: number;
  bidQty: number;
  askQty: number;
}

function topOfBook(simulator: MarketSimulator, contract: SimulatedContract, nowMs: number): TopOfBook {
  const last = lastBar(simulator, contract, nowMs).close;
  const tick = 1 / 10 ** contract.pricePrecision;
  const noise = createNoise(simulator.seed, BOOK_KEY, nameKey(contract.symbol), Math.floor(nowMs / 1000));
  const half = Math.max(tick, (last * contract.tradeNoiseBps * (0.5 + noise.uniform())) / 1e4);
  const { toTick } = roundings(contract);
  const bid = toTick(last - half);
  return {
    bid,
    ask: Math.max(toTick(last + half), toTick(bid + tick)),
    bidQty: 1 + 9 * noise.uniform(),
    askQty: 1 + 9 * noise.uniform(),
  };
}

function roundings(contract: SimulatedContract) {
  const scale = 10 ** contract.pricePrecision;
  return {
    toTick: (value: number) => Math.round(value * scale) / scale,
    price: (value: number) => value.toFixed(contract.pricePrecision),
    qty: (value: number) => value.toFixed(contract.quantityPrecision),
  };
}

function lastBar(simulator: MarketSimulator, contract: SimulatedContract, nowMs: number) {
  const bar = simulator.lastBar(contract.symbol, nowMs);
  if (!bar) throw new ApiError(109400, `${contract.symbol} has no price yet: it was listed only now`);
  return bar;
}

/** 24-hour ticker of one contract, or of all when no symbol is given. */
export function ticker(simulator: MarketSimulator, query: URLSearchParams, nowMs: number): unknown {
  return query.has("symbol")
    ? oneTicker(simulator, requiredContract(query), nowMs)
    : CONTRACTS.map((contract) => oneTicker(simulator, contract, nowMs));
}

function oneTicker(simulator: MarketSimulator, contract: SimulatedContract, nowMs: number) {
  const last = lastBar(simulator, contract, nowMs);
  const fromMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS - DAY_MS + MINUTE_MS;
  let [open, high, low, volume, quoteVolume] = [last.open, last.high, last.low, 0, 0];
  for (let at = nowMs - (nowMs % MINUTE_MS); at >= fromMs; at -= MINUTE_MS) {
    const bar = simulator.minuteBar(contract.symbol, at, nowMs);
    if (!bar) continue;
    open = bar.open;
    high = Math.max(high, bar.high);
    low = Math.min(low, bar.low);
    volume += bar.volume;
    quoteVolume += bar.volume * bar.close;
  }
  const { price, qty } = roundings(contract);
  const book = topOfBook(simulator, contract, nowMs);
  const change = last.close - open;
  return {
    symbol: contract.symbol,
    priceChange: price(change),
    priceChangePercent: `${((change / open) * 100).toFixed(2)}%`,
    lastPrice: price(last.close),
    lastQty: qty(Math.max(last.volume / 60, 1 / 10 ** contract.quantityPrecision)),
    highPrice: price(high),
    lowPrice: price(low),
    volume: qty(volume),
    quoteVolume: quoteVolume.toFixed(2),
    openPrice: price(open),
    openTime: fromMs,
    closeTime: nowMs,
    bidPrice: price(book.bid),
    bidQty: qty(book.bidQty),
    askPrice: price(book.ask),
    askQty: qty(book.askQty),
  };
}

/** Mark price, index price and the funding rate that the next settlement would take. */
export function premiumIndex(simulator: MarketSimulator, query: URLSearchParams, nowMs: number): unknown {
  const one = (contract: SimulatedContract) => {
    const { price } = roundings(contract);
    const nextFundingTime = Math.floor(nowMs / FUNDING_INTERVAL_MS + 1) * FUNDING_INTERVAL_MS;
    return {
      symbol: contract.symbol,
      markPrice: price(simulator.markPrice(contract.symbol, nowMs)),
      indexPrice: price(simulator.indexPrice(contract.symbol, nowMs)),
      lastFundingRate: simulator.fundingRate(contract.symbol, nextFundingTime).rate.toFixed(8),
      nextFundingTime,
      fundingIntervalHours: 8,
      updateTime: nowMs,
    };
  };
  return query.has("symbol") ? one(requiredContract(query)) : CONTRACTS.map(one);
}

/** Open interest in USDT, as BingX states it for USDT perpetuals. */
export function openInterest(simulator: MarketSimulator, query: URLSearchParams, nowMs: number): unknown {
  const { symbol } = requiredContract(query);
  const valueUsd = simulator.openInterest(symbol, nowMs) * simulator.markPrice(symbol, nowMs);
  return { openInterest: valueUsd.toFixed(2), symbol, time: nowMs };
}

/** Settled funding rates, newest first. */
export function fundingHistory(simulator: MarketSimulator, query: URLSearchParams, nowMs: number): unknown[] {
  const { symbol } = requiredContract(query);
  const limit = integerParam(query, "limit", 1, 1000) ?? 100;
  const startTime = integerParam(query, "startTime", 0, Number.MAX_SAFE_INTEGER);
  const endTime = integerParam(query, "endTime", 0, Number.MAX_SAFE_INTEGER) ?? nowMs;
  const firstMs =
    Math.ceil(Math.max(startTime ?? 0, simulator.historyStartMs) / FUNDING_INTERVAL_MS) * FUNDING_INTERVAL_MS;
  const lastMs = Math.floor(Math.min(endTime, nowMs) / FUNDING_INTERVAL_MS) * FUNDING_INTERVAL_MS;
  const rows: unknown[] = [];
  const step = startTime === undefined ? -FUNDING_INTERVAL_MS : FUNDING_INTERVAL_MS;
  for (
    let at = step > 0 ? firstMs : lastMs;
    at >= firstMs && at <= lastMs && rows.length < limit;
    at += step
  ) {
    const { rate } = simulator.fundingRate(symbol, at);
    rows.push({ symbol, fundingRate: rate.toFixed(8), fundingTime: at });
  }
  return step > 0 ? rows.reverse() : rows;
}

/** A plain order book: sizes grow away from the touch. */
export function depth(simulator: MarketSimulator, query: URLSearchParams, nowMs: number): unknown {
  const contract = requiredContract(query);
  const limit = integerParam(query, "limit", 1, 1000) ?? 20;
  if (!DEPTH_LIMITS.includes(limit)) {
    throw new ApiError(80014, `Invalid parameters, err: limit must be one of ${DEPTH_LIMITS.join(" ")}`);
  }
  const { price, qty, toTick } = roundings(contract);
  const top = topOfBook(simulator, contract, nowMs);
  const tick = 1 / 10 ** contract.pricePrecision;
  const noise = createNoise(simulator.seed, BOOK_KEY, nameKey(contract.symbol), Math.floor(nowMs / 1000), 1);
  const side = (from: number, direction: 1 | -1, firstQty: number) => {
    const rows: Array<[string, string]> = [];
    for (let level = 0, at = from; level < limit; level++) {
      rows.push([price(at), qty(level === 0 ? firstQty : (1 + level / 4) * (0.5 + 8 * noise.uniform()))]);
      at = toTick(at + direction * tick * (1 + Math.floor(6 * noise.uniform())));
    }
    return rows;
  };
  return { T: nowMs, bids: side(top.bid, -1, top.bidQty), asks: side(top.ask, 1, top.askQty) };
}

/** Last price of one contract. */
export function lastPrice(simulator: MarketSimulator, query: URLSearchParams, nowMs: number): unknown {
  const contract = requiredContract(query);
  const { price } = roundings(contract);
  return { symbol: contract.symbol, price: price(lastBar(simulator, contract, nowMs).close), time: nowMs };
}
