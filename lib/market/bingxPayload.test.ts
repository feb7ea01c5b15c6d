import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  barsBeforeYoungHole,
  parseGoldContracts,
  parseKlines,
  parseServerTime,
  readData,
} from "./bingxPayload";
import type { Candle } from "./types";

const MINUTE = 60_000;
const START = Date.UTC(2025, 6, 1, 12);

function row(index: number, change: Record<string, unknown> = {}) {
  return {
    open: "3300.10",
    high: "3301.00",
    low: "3299.50",
    close: "3300.40",
    volume: "12.5",
    time: START + index * MINUTE,
    ...change,
  };
}

function read(rows: unknown[], options: { serverTimeMs?: number; graceMs?: number } = {}) {
  const result = parseKlines(
    { code: 0, msg: "", data: rows },
    {
      timeframe: "1m",
      fromMs: START,
      toMs: START + 1000 * MINUTE,
      serverTimeMs: options.serverTimeMs ?? START + 5000 * MINUTE,
      graceMs: options.graceMs ?? 0,
    },
  );
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

describe("bodies that ccxt would take for an empty success", () => {
  test.each([
    ["null", null, "notAnObject"],
    ["a page of HTML", "<html></html>", "notAnObject"],
    ["nothing", undefined, "notAnObject"],
    ["a list", [], "notAnObject"],
    ["an empty object", {}, "codeMissing"],
    ["null data", { code: 0, data: null }, "dataMissing"],
    ["absent data", { code: 0 }, "dataMissing"],
    ["an error code", { code: 100410, msg: "rate" }, "errorCode"],
    ["an error code as text", { code: "80014", msg: "x", data: [] }, "errorCode"],
  ])("O-07: %s is a failure, never an empty list", (_name, body, problem) => {
    expect(readData(body)).toMatchObject({ ok: false, error: { problem } });
    const window = { timeframe: "1m", fromMs: 0, toMs: 1, serverTimeMs: 1, graceMs: 0 } as const;
    expect(parseKlines(body, window).ok).toBe(false);
    expect(parseGoldContracts(body).ok).toBe(false);
    expect(parseServerTime(body).ok).toBe(false);
  });

  test("O-07: data of another shape is a failure for each endpoint", () => {
    expect(parseServerTime({ code: 0, data: { serverTime: "soon" } })).toMatchObject({
      error: { problem: "wrongShape" },
    });
    expect(parseGoldContracts({ code: 0, data: {} })).toMatchObject({ error: { problem: "wrongShape" } });
  });

  test("no JSON value makes a parser throw", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.boolean(), (value, wrapped) => {
        const body = wrapped ? { code: 0, data: value } : value;
        parseKlines(body, { timeframe: "1m", fromMs: 0, toMs: 1e13, serverTimeMs: 1e13, graceMs: 0 });
        parseGoldContracts(body);
        parseServerTime(body);
      }),
    );
  });
});

describe("closed bars only", () => {
  test("M-03: a bar is taken when its end plus grace is not after server time, and not a millisecond before", () => {
    const end = START + MINUTE;
    expect(read([row(0)], { serverTimeMs: end + 2000, graceMs: 2000 }).bars).toHaveLength(1);
    expect(read([row(0)], { serverTimeMs: end + 1999, graceMs: 2000 })).toMatchObject({
      bars: [],
      unfinished: 1,
    });
  });

  test("M-03: no set of rows and no server time lets an unfinished bar through", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 60 })),
        fc.integer({ min: 0, max: 3_600_000 }),
        (indices, after) => {
          const page = read(
            indices.map((i) => row(i)),
            { serverTimeMs: START + after, graceMs: 1500 },
          );
          for (const bar of page.bars)
            expect(bar.openTimeMs + MINUTE + 1500).toBeLessThanOrEqual(START + after);
        },
      ),
    );
  });
});

describe("pages as they come", () => {
  test("M-04: any order with repeats gives the same ascending bars", () => {
    const shuffled = fc
      .uniqueArray(fc.integer({ min: 0, max: 200 }), { minLength: 1 })
      .chain((indices) =>
        fc.tuple(
          fc.constant(indices),
          fc.shuffledSubarray([...indices, ...indices], { minLength: indices.length * 2 }),
        ),
      );
    fc.assert(
      fc.property(shuffled, ([indices, delivered]) => {
        const times = read(delivered.map((i) => row(i))).bars.map((bar) => bar.openTimeMs);
        expect(times).toEqual([...indices].sort((a, b) => a - b).map((i) => START + i * MINUTE));
      }),
    );
  });

  test("M-04: two rows of one minute that disagree are both put aside", () => {
    const page = read([row(0), row(1), row(1, { close: "3300.50" }), row(1)]);
    expect(page.bars.map((bar) => bar.openTimeMs)).toEqual([START]);
    expect(page.rejected.every((entry) => entry.reason === "duplicate")).toBe(true);
  });

  test.each([
    ["high below low", { high: "3299.00", low: "3301.00" }, "highBelowLow"],
    ["zero price", { low: "0" }, "nonPositivePrice"],
    ["negative price", { open: "-1.5" }, "nonPositivePrice"],
    ["null volume", { volume: null }, "notFinite"],
    ["empty text", { close: "" }, "notFinite"],
    ["NaN text", { close: "NaN" }, "notFinite"],
    ["hexadecimal text", { close: "0x10" }, "notFinite"],
    ["high below close", { close: "3302.00" }, "highBelowBody"],
    ["unaligned time", { time: START + 1 }, "unaligned"],
  ])("M-05: a row with %s is quarantined with its reason", (_name, change, reason) => {
    const page = read([row(5), row(0, change)]);
    expect(page.bars).toHaveLength(1);
    expect(page.rejected.map((entry) => entry.reason)).toEqual([reason]);
  });

  test("M-05: rows that are no objects are put aside, not fatal", () => {
    expect(read([null, 7, "x", [], row(1)])).toMatchObject({ bars: [{ openTimeMs: START + MINUTE }] });
  });
});

describe("the cursor and holes", () => {
  const bars = (...indices: number[]): Candle[] =>
    indices.map((i) => ({ openTimeMs: START + i * MINUTE, open: 1, high: 1, low: 1, close: 1, volume: 1 }));
  const cut = (list: Candle[], nowMinute: number, calendar: "always" | "metals" = "always", fromMinute = 0) =>
    barsBeforeYoungHole(list, {
      timeframe: "1m",
      calendar,
      fromMs: START + fromMinute * MINUTE,
      serverTimeMs: START + nowMinute * MINUTE,
      retryMs: 2 * MINUTE,
    });

  test("M-04: a young hole holds back what comes after it", () => {
    const result = cut(bars(0, 1, 3), 4);
    expect(result.bars).toHaveLength(2);
    expect(result.holeFromMs).toBe(START + 2 * MINUTE);
  });

  test("M-04: an old hole does not", () => {
    expect(cut(bars(0, 1, 3), 5)).toMatchObject({ bars: { length: 3 }, holeFromMs: null });
  });

  test("M-04: a hole before the first bar counts", () => {
    expect(cut(bars(1), 2)).toMatchObject({ bars: [], holeFromMs: START });
  });

  test("M-07: closed metals hours are no hole", () => {
    // 21:00-22:00 UTC is New York's daily break in July; START is 12:00.
    const list = bars(538, 539, 600);
    expect(cut(list, 601, "metals", 538).bars).toHaveLength(3);
    const [early, late] = [bars(599), bars(601)];
    expect(cut([...early, ...late], 602, "metals", 599).holeFromMs).toBe(START + 600 * MINUTE);
  });
});

describe("contract rules", () => {
  const contract = {
    symbol: "XAUT-USDT",
    pricePrecision: "2",
    quantityPrecision: 4,
    tradeMinQuantity: 0.001,
    tradeMinUSDT: 2,
    maxLongLeverage: 50,
    maxShortLeverage: 20,
    displayName: "XAUT-USDT",
  };

  test("gold rows become rules, calendars follow the symbol, other rows are left out", () => {
    const result = parseGoldContracts({
      code: 0,
      data: [
        contract,
        { ...contract, symbol: "BTC-USDT" },
        { ...contract, symbol: "NCCOGOLD2USD-USDT", displayName: "GOLD(XAU)" },
      ],
    });
    expect(result).toEqual({
      ok: true,
      value: [
        {
          rules: {
            symbol: "XAUT-USDT",
            tickSize: 0.01,
            lotStep: 0.0001,
            minQty: 0.001,
            minNotionalUsd: 2,
            maxLeverage: 20,
          },
          calendar: "always",
          displayName: "Tether Gold perpetual",
        },
        {
          rules: {
            symbol: "NCCOGOLD2USD-USDT",
            tickSize: 0.01,
            lotStep: 0.0001,
            minQty: 0.001,
            minNotionalUsd: 2,
            maxLeverage: 20,
          },
          calendar: "metals",
          displayName: "Gold (XAU) commodity perpetual",
        },
      ],
    });
  });

  test("an unreadable rule of a gold contract fails and names the field", () => {
    const result = parseGoldContracts({ code: 0, data: [{ ...contract, tradeMinUSDT: "-" }] });
    expect(result).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining("minNotionalUsd") },
    });
  });
});
