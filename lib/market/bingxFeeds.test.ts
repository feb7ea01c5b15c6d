import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseFundingHistory, parseOpenInterest, parsePremium } from "./bingxFeeds";

const NOW = Date.UTC(2025, 6, 2, 14);
const SYMBOL = "XAUT-USDT";
const AT = { symbol: SYMBOL, serverTimeMs: NOW };
const WINDOW = { symbol: SYMBOL, fromMs: 0, untilMs: NOW };
const ok = (data: unknown) => ({ code: 0, msg: "", data });
const row = (fundingTime: unknown, fundingRate: unknown, symbol = SYMBOL) => ({
  symbol,
  fundingTime,
  fundingRate,
});
const PREMIUM = {
  ...{ symbol: SYMBOL, markPrice: "3301.00", indexPrice: "3300.00", lastFundingRate: "0.0001" },
  ...{ nextFundingTime: NOW + 1, fundingIntervalHours: 8, updateTime: NOW - 5 },
};

describe("funding history", () => {
  test("rows in any order and repeated give one ascending series; a settlement with two rates is put aside", () => {
    const rows = [row(3_000, "0.0003"), row(1_000, "0.0001"), row(2_000, "-0.0002"), row(1_000, "0.0001")];
    expect(parseFundingHistory(ok(rows), WINDOW)).toEqual({
      ok: true,
      value: {
        settlements: [
          { fundingTimeMs: 1_000, rate: 0.0001 },
          { fundingTimeMs: 2_000, rate: -0.0002 },
          { fundingTimeMs: 3_000, rate: 0.0003 },
        ],
        rejected: [],
      },
    });
    const torn = parseFundingHistory(ok([...rows, row(2_000, "0.0005")]), WINDOW);
    expect(torn).toMatchObject({ ok: true, value: { settlements: { length: 2 }, rejected: { length: 1 } } });
  });

  test("whatever the rows hold, what is accepted is in the window, in range, ascending and of the symbol", () => {
    const cell = fc.oneof(
      fc.constantFrom("0.0001", "1.5", "", null, "NaN", 1_000, NOW + 1, -1),
      fc.integer({ min: 0, max: NOW }),
      fc.double(),
      fc.string({ maxLength: 6 }),
    );
    const anyRow = fc.oneof(
      fc
        .tuple(cell, cell, fc.constantFrom(SYMBOL, "BTC-USDT"))
        .map(([time, rate, symbol]) => row(time, rate, symbol)),
      fc.constantFrom(null, [], "row"),
    );
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 30 }), (rows) => {
        const page = parseFundingHistory(ok(rows), WINDOW);
        if (!page.ok) throw new Error(page.error.message);
        let before = 0;
        for (const { fundingTimeMs, rate } of page.value.settlements) {
          expect(fundingTimeMs).toBeGreaterThan(before);
          expect(fundingTimeMs).toBeLessThanOrEqual(NOW);
          expect(Math.abs(rate)).toBeLessThanOrEqual(0.05);
          before = fundingTimeMs;
        }
      }),
    );
  });
});

describe("quotes", () => {
  test("mark, index and estimate are read from an object or from a list that holds the symbol", () => {
    const premium = {
      ok: true,
      value: {
        ...{ quotedAtMs: NOW - 5, markPrice: 3_301, indexPrice: 3_300 },
        ...{ fundingEstimate: 0.0001, fundingIntervalMs: 8 * 3_600_000 },
      },
    };
    expect(parsePremium(ok(PREMIUM), AT)).toEqual(premium);
    expect(parsePremium(ok([{ symbol: "BTC-USDT" }, PREMIUM]), AT)).toEqual(premium);
  });

  test.each([
    ["of another symbol", { symbol: "BTC-USDT" }],
    ["without a mark price", { markPrice: "" }],
    ["with an index price of zero", { indexPrice: "0" }],
    ["with a basis that no market has", { markPrice: "6000" }],
    ["with an estimate that no market has", { lastFundingRate: "0.2" }],
  ])("a quote %s is no quote", (_, change) => {
    expect(parsePremium(ok({ ...PREMIUM, ...change }), AT)).toMatchObject({ ok: false });
  });

  test("a quote from the future or without a time counts as of the exchange's clock", () => {
    for (const updateTime of [NOW + 60_000, undefined, "soon"]) {
      expect(parsePremium(ok({ ...PREMIUM, updateTime }), AT)).toMatchObject({ value: { quotedAtMs: NOW } });
    }
    const interest = { symbol: SYMBOL, openInterest: "12.5", time: NOW + 1 };
    expect(parseOpenInterest(ok(interest), AT)).toEqual({
      ok: true,
      value: { quotedAtMs: NOW, valueUsd: 12.5 },
    });
  });

  test("no body makes a reader throw, and none but a positive open interest is accepted", () => {
    fc.assert(
      fc.property(fc.anything(), (data) => {
        for (const body of [data, ok(data)]) {
          parsePremium(body, AT);
          parseFundingHistory(body, WINDOW);
          const interest = parseOpenInterest(body, AT);
          expect(!interest.ok || interest.value.valueUsd > 0).toBe(true);
        }
      }),
    );
  });
});
