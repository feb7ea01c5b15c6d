"use node";
/**
 * Public reads of BingX perpetuals through ccxt's bingx class, hardened. It exports no Convex function.
 * ccxt is loaded on first use: its package exports no single class, and loading it takes most of a second.
 */
import type { bingx, Dict } from "ccxt";
import type { Result } from "../../lib/core/result";
import { type BingxFailure, classifyBingxError } from "../../lib/market/bingxFailure";
import {
  type FundingPage,
  type OpenInterest,
  type Premium,
  parseFundingHistory,
  parseOpenInterest,
  parsePremium,
} from "../../lib/market/bingxFeeds";
import {
  type ContractFacts,
  type KlinePage,
  type KlineWindow,
  type PayloadError,
  parseGoldContracts,
  parseKlines,
  parseServerTime,
} from "../../lib/market/bingxPayload";
import { bingxOrigin, type ExchangeSource, sourceNameOf } from "../../lib/market/sourceName";

/** BingX serves at most 1440 klines a request; a page of 1000 leaves room. */
export const PAGE_BARS = 1000;
const TIMEOUT_MS = 10_000;

/** An expected failure of a read, already redacted. */
export class BingxReadError extends Error {
  override name = "BingxReadError";
  constructor(readonly failure: BingxFailure) {
    super(`${failure.kind}: ${failure.message}`);
  }
}

export interface BingxClient {
  source: ExchangeSource;
  /** Exchange time in UTC ms; also measures the clock offset that later requests are stamped with. */
  serverTime(): Promise<number>;
  /** The desk's time at a time of the exchange's clock, by the offset that serverTime measured (none yet: the same). */
  deskTimeMs(exchangeTimeMs: number): number;
  /** Closed bars of a window of at most 1000 bars. */
  klines(symbol: string, window: KlineWindow): Promise<KlinePage>;
  /** The gold perpetuals that the exchange lists now. */
  goldContracts(): Promise<ContractFacts[]>;
  /** Funding settled at times in [fromMs, untilMs], at most 1000 of them. */
  fundingHistory(symbol: string, fromMs: number, untilMs: number): Promise<FundingPage>;
  /** Mark and index price and the funding estimate now. */
  premium(symbol: string, serverTimeMs: number): Promise<Premium>;
  openInterest(symbol: string, serverTimeMs: number): Promise<OpenInterest>;
  /** Exchange time now, from the offset that `serverTime` measured. */
  nowMs(): number;
}

/** A client for BINGX_BASE_URL (undefined: the live host). Throws an Error that names the variable when it is not allowed. */
export async function createBingxClient(
  baseUrl: string | undefined,
  timeoutMs = TIMEOUT_MS,
): Promise<BingxClient> {
  const origin = bingxOrigin(baseUrl);
  if (!origin.ok) throw new Error(origin.error);
  const exchange = await guardedExchange(origin.value, timeoutMs);

  async function read<T>(
    request: () => Promise<unknown>,
    parse: (body: unknown) => Result<T, PayloadError>,
  ): Promise<T> {
    let body: unknown;
    try {
      body = await request();
    } catch (error) {
      const { name, message } = error instanceof Error ? error : new Error(String(error));
      throw new BingxReadError(classifyBingxError(name, message));
    }
    const parsed = parse(body);
    if (parsed.ok) return parsed.value;
    throw new BingxReadError(
      classifyBingxError("BadResponse", `${parsed.error.problem}: ${parsed.error.message}`),
    );
  }

  return {
    source: sourceNameOf(origin.value),
    async serverTime() {
      const sentMs = Date.now();
      const serverTimeMs = await read(() => exchange.swapV2PublicGetServerTime(), parseServerTime);
      exchange.clockOffsetMs = Math.round(serverTimeMs - (sentMs + Date.now()) / 2);
      return serverTimeMs;
    },
    deskTimeMs: (exchangeTimeMs) => exchangeTimeMs - exchange.clockOffsetMs,
    klines(symbol, window) {
      // Both ends are sent, one millisecond wide of the window, so that it does not matter whether they are inclusive.
      const params = {
        symbol,
        interval: window.timeframe,
        startTime: Math.max(0, window.fromMs - 1),
        endTime: window.toMs - 1,
        limit: PAGE_BARS + 1,
      };
      return read(
        () => exchange.swapV3PublicGetQuoteKlines(params),
        (body) => parseKlines(body, window),
      );
    },
    goldContracts: () => read(() => exchange.swapV2PublicGetQuoteContracts(), parseGoldContracts),
    fundingHistory: (symbol, fromMs, untilMs) =>
      read(
        () =>
          exchange.swapV2PublicGetQuoteFundingRate({
            symbol,
            startTime: fromMs,
            endTime: untilMs,
            limit: 1000,
          }),
        (body) => parseFundingHistory(body, { symbol, fromMs, untilMs }),
      ),
    premium: (symbol, serverTimeMs) =>
      read(
        () => exchange.swapV2PublicGetQuotePremiumIndex({ symbol }),
        (body) => parsePremium(body, { symbol, serverTimeMs }),
      ),
    openInterest: (symbol, serverTimeMs) =>
      read(
        () => exchange.swapV2PublicGetQuoteOpenInterest({ symbol }),
        (body) => parseOpenInterest(body, { symbol, serverTimeMs }),
      ),
    nowMs: () => exchange.nonce(),
  };
}

type GuardedExchange = bingx & { clockOffsetMs: number };

async function guardedExchange(origin: string, timeoutMs: number): Promise<GuardedExchange> {
  const ccxt = await import("ccxt");

  /** ccxt's bingx without its three silent traps: false success, uncorrected clock, any host. */
  class GuardedBingx extends ccxt.bingx {
    clockOffsetMs = 0;

    override nonce(): number {
      return Date.now() + this.clockOffsetMs;
    }

    override async fetch(
      url: string,
      method = "GET",
      headers: unknown = undefined,
      body: unknown = undefined,
    ) {
      if (new URL(url).origin !== origin) throw new ccxt.BadRequest("request to another host refused");
      return super.fetch(url, method, headers, body);
    }

    override handleErrors(
      status: number,
      reason: string,
      url: string,
      method: string,
      headers: Dict,
      text: string,
      parsed: unknown,
      requestHeaders: unknown,
      requestBody: unknown,
    ) {
      const hasCode =
        typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) && "code" in parsed;
      if (status >= 200 && status < 300 && !hasCode) {
        throw new ccxt.BadResponse(`HTTP ${status} with ${text.length} characters that are no BingX answer`);
      }
      return super.handleErrors(
        status,
        reason,
        url,
        method,
        headers,
        text,
        parsed,
        requestHeaders,
        requestBody,
      );
    }
  }

  const exchange = new GuardedBingx({ timeout: timeoutMs });
  const api = exchange.urls.api as Record<string, string>;
  exchange.urls.api = Object.fromEntries(Object.keys(api).map((section) => [section, `${origin}/openApi`]));
  return exchange;
}
