import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type BingxClient, BingxReadError, createBingxClient } from "../../convex/market/bingxClient";
import type { KlineWindow } from "../../lib/market/bingxPayload";
import { createManualClock } from "../../local/exchange/clock";
import type { FaultKind } from "../../local/exchange/faults";
import { MINUTE_MS } from "../../local/exchange/market/hours";
import { type Exchange, startExchange } from "../../local/exchange/server";
import Bingx from "../../node_modules/ccxt/js/src/bingx.js";

const NOW = Date.UTC(2025, 6, 2, 14, 30, 20);
const WINDOW: KlineWindow = {
  timeframe: "1m",
  fromMs: NOW - 20_000 - 60 * MINUTE_MS,
  toMs: NOW + 940 * MINUTE_MS,
  serverTimeMs: NOW,
  graceMs: 2000,
};
const clock = createManualClock(NOW);
let exchange: Exchange;
let client: BingxClient;

beforeAll(async () => {
  exchange = await startExchange({ seed: 7, port: 0, clock, historyStartMs: Date.UTC(2025, 0, 1) });
  client = await createBingxClient(exchange.url, 700);
});
afterEach(() => exchange.faults.clear());
afterAll(() => exchange.close());

async function failureOf(read: Promise<unknown>) {
  const error = await read.then(
    () => new Error("the read succeeded"),
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(BingxReadError);
  return (error as BingxReadError).failure;
}

async function inject(kind: FaultKind, count = 1, path?: string) {
  const response = await fetch(`${exchange.url}/simulation/faults`, {
    method: "POST",
    body: JSON.stringify({ kind, count, path }),
  });
  expect(response.status).toBe(200);
}

describe("the hardened client against a healthy exchange", () => {
  test("M-03: an hour back gives 60 closed bars; the forming one is left out", async () => {
    const page = await client.klines("XAUT-USDT", WINDOW);
    expect(page.bars).toHaveLength(60);
    expect(page.bars.at(-1)!.openTimeMs).toBe(NOW - 20_000 - MINUTE_MS);
    expect(page).toMatchObject({ rejected: [], unfinished: 1 });
  });

  test("server time, contracts and source name", async () => {
    expect(await client.serverTime()).toBe(NOW);
    expect(client.source).toBe("simulated");
    const contracts = await client.goldContracts();
    expect(contracts.map((c) => [c.rules.symbol, c.calendar])).toEqual([
      ["XAUT-USDT", "always"],
      ["PAXG-USDT", "always"],
      ["NCCOGOLD2USD-USDT", "metals"],
    ]);
  });

  test("an unknown symbol is refused with the exchange's own words", async () => {
    const failure = await failureOf(client.klines("NOPE-USDT", WINDOW));
    expect(failure.kind).toBe("refused");
    expect(failure.message).toContain("109400");
  });

  test("a host that is not BingX nor this machine is never called", async () => {
    await expect(createBingxClient("https://example.com")).rejects.toThrow("BINGX_BASE_URL");
  });
});

describe("the hardened client's clock", () => {
  test("X-01: after a minute of skew is measured, requests are stamped with exchange time", async () => {
    const skewMs = 60_000;
    const stamps: number[] = [];
    const skewed = createServer((request, response) => {
      stamps.push(Number(new URL(request.url!, "http://x").searchParams.get("timestamp")));
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ code: 0, data: { serverTime: stamps[0]! + skewMs } }));
    });
    await new Promise<void>((resolve) => skewed.listen(0, "127.0.0.1", resolve));
    const { port } = skewed.address() as AddressInfo;
    const skewedClient = await createBingxClient(`http://127.0.0.1:${port}`);
    await skewedClient.serverTime();
    await skewedClient.serverTime();
    skewed.close();
    expect(stamps[1]! - stamps[0]!).toBeGreaterThan(skewMs / 2);
  });
});

describe("the hardened client under faults", () => {
  test("O-07: plain ccxt takes HTML, an empty body and null data for no candles: the trap that the guard closes", async () => {
    const stock = new Bingx({ enableRateLimit: false });
    const api = stock.urls.api as Record<string, string>;
    stock.urls.api = Object.fromEntries(
      Object.keys(api).map((section) => [section, `${exchange.url}/openApi`]),
    );
    await stock.loadMarkets();
    for (const kind of ["html200", "empty", "dataNull"] as const) {
      await inject(kind);
      expect(await stock.fetchOHLCV("XAUT/USDT:USDT", "1m")).toEqual([]);
    }
  });

  test.each(["html200", "empty", "truncated"] as const)(
    "O-07: %s is stopped inside ccxt, before anything reads it",
    async (kind) => {
      await inject(kind);
      expect((await failureOf(client.serverTime())).message).toContain("no BingX answer");
    },
  );

  test.each(["html200", "empty", "truncated", "dataNull"] as const)(
    "O-07: %s is a bad payload on every read, never an empty success",
    async (kind) => {
      await inject(kind, 3);
      for (const read of [
        () => client.klines("XAUT-USDT", WINDOW),
        () => client.serverTime(),
        () => client.goldContracts(),
      ]) {
        expect((await failureOf(read())).kind).toBe("badPayload");
      }
      expect((await client.klines("XAUT-USDT", WINDOW)).bars).toHaveLength(60);
    },
  );

  test.each([
    ["http429", "rateLimited"],
    ["http503", "network"],
    ["timeout", "timeout"],
    ["reset", "network"],
  ] as const)("X-05: %s is reported as %s", async (kind, expected) => {
    await inject(kind);
    expect((await failureOf(client.klines("XAUT-USDT", WINDOW))).kind).toBe(expected);
  });

  test("X-02: code 100410 is a rate limit with the time at which it ends", async () => {
    await inject("code100410");
    expect(await failureOf(client.klines("XAUT-USDT", WINDOW))).toMatchObject({
      kind: "rateLimited",
      unblockAtMs: NOW + 60_000,
    });
  });

  test("S-10: no error carries a query string", async () => {
    for (const kind of ["http429", "http503", "timeout", "reset"] as const) {
      await inject(kind);
      const { message } = await failureOf(client.klines("XAUT-USDT", WINDOW));
      expect(message).not.toMatch(/symbol=|timestamp=/);
    }
  });

  test("M-05: malformed rows are put aside with reasons; the sound ones come through", async () => {
    await inject("malformedBars");
    const page = await client.klines("XAUT-USDT", WINDOW);
    expect(page.rejected.length).toBeGreaterThan(8);
    expect(page.bars.length + page.rejected.length).toBe(60);
    expect(new Set(page.rejected.map((row) => row.reason))).toEqual(
      new Set(["highBelowLow", "nonPositivePrice", "notFinite", "unaligned"]),
    );
  });

  test("M-04: a shuffled page with repeats gives the same bars as a sorted one", async () => {
    const sound = await client.klines("XAUT-USDT", WINDOW);
    await inject("shuffledBars");
    expect((await client.klines("XAUT-USDT", WINDOW)).bars).toEqual(sound.bars);
  });

  test("M-04: a page with missing bars shows the hole; nothing is made up", async () => {
    await inject("missingBars");
    const { bars } = await client.klines("XAUT-USDT", WINDOW);
    expect(bars.length).toBeLessThan(60);
    const sound = new Map(
      (await client.klines("XAUT-USDT", WINDOW)).bars.map((bar) => [bar.openTimeMs, bar]),
    );
    for (const bar of bars) expect(sound.get(bar.openTimeMs)).toEqual(bar);
  });

  test("M-01: a frozen feed ends early instead of showing new bars", async () => {
    await inject("staleBars");
    const { bars } = await client.klines("XAUT-USDT", WINDOW);
    expect(NOW - bars.at(-1)!.openTimeMs).toBeGreaterThan(9 * MINUTE_MS);
  });

  test("a fault strikes only its path and only as often as told", async () => {
    await inject("http503", 1, "/quote/contracts");
    await client.serverTime();
    await failureOf(client.goldContracts());
    expect(await client.goldContracts()).toHaveLength(3);
  });

  test.each([
    [{ kind: "explode" }, "kind must be one of"],
    [{ kind: "empty", count: 0 }, "count must be"],
    [{ kind: "empty", path: 7 }, "path must be"],
    ["text", "send a JSON object"],
  ])("a wrong fault request %j is refused with the field's name", async (body, text) => {
    const response = await fetch(`${exchange.url}/simulation/faults`, {
      method: "POST",
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(400);
    expect(JSON.stringify(await response.json())).toContain(text);
  });
});
