import type { MarketSimulator } from "../market/simulator";
import { ApiError, type Envelope, success } from "./envelope";
import { klines } from "./klines";
import { contracts, depth, fundingHistory, lastPrice, openInterest, premiumIndex, ticker } from "./quotes";

type Handler = (simulator: MarketSimulator, query: URLSearchParams, nowMs: number) => unknown;

/** Public endpoints by path. Spot and coin-margined symbols are empty lists: this venue has USDT perpetuals only. */
export const ROUTES: Readonly<Record<string, Handler>> = {
  "/openApi/swap/v2/server/time": (_simulator, _query, nowMs) => ({ serverTime: nowMs }),
  "/openApi/swap/v2/quote/contracts": (_simulator, _query, nowMs) => contracts(nowMs),
  "/openApi/swap/v3/quote/klines": klines,
  "/openApi/swap/v2/quote/ticker": ticker,
  "/openApi/swap/v2/quote/price": lastPrice,
  "/openApi/swap/v2/quote/premiumIndex": premiumIndex,
  "/openApi/swap/v2/quote/fundingRate": fundingHistory,
  "/openApi/swap/v2/quote/openInterest": openInterest,
  "/openApi/swap/v2/quote/depth": depth,
  "/openApi/cswap/v1/market/contracts": () => [],
  "/openApi/spot/v1/common/symbols": () => ({ symbols: [] }),
};

/** Answers one API request in BingX's envelope; refusals are envelopes too. */
export function answer(
  simulator: MarketSimulator,
  path: string,
  query: URLSearchParams,
  nowMs: number,
): Envelope {
  const handler = ROUTES[path];
  if (!handler)
    return { code: 100400, msg: "this api is not exist, please refer to the API docs", timestamp: nowMs };
  try {
    return success(handler(simulator, query, nowMs));
  } catch (error) {
    if (error instanceof ApiError) return { code: error.code, msg: error.message, data: {} };
    throw error;
  }
}
