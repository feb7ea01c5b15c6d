import { describe, expect, it } from "vitest";
import { findInstrument, INSTRUMENTS } from "./instruments";
import { randomWalk } from "./randomWalk.fixture";
import { alignDown, alignUp, isTimeframe, timeframeMs } from "./timeframe";
import { validateCandle, validateColumns } from "./validate";

describe("validation", () => {
  const sound = { openTimeMs: 120_000, open: 100, high: 110, low: 90, close: 105, volume: 0 };

  it("accepts a sound bar and names the rule that a broken one breaks", () => {
    expect(validateCandle(sound, "1m")).toBeNull();
    expect(validateCandle({ ...sound, openTimeMs: 120_001 }, "1m")).toBe("unaligned");
    expect(validateCandle({ ...sound, openTimeMs: Number.NaN }, "1m")).toBe("notFinite");
    expect(validateCandle({ ...sound, volume: Number.NaN }, "1m")).toBe("notFinite");
    expect(validateCandle({ ...sound, low: 111 }, "1m")).toBe("highBelowLow");
    expect(validateCandle({ ...sound, close: 0 }, "1m")).toBe("nonPositivePrice");
  });

  it("finds broken bars of a batch and compares order with the last sound bar", () => {
    const columns = randomWalk(6, 60_000);
    expect(validateColumns(columns, "1m")).toEqual([]);
    columns.openTimeMs[2] = columns.openTimeMs[1]!;
    columns.openTimeMs[3] = columns.openTimeMs[0]!;
    columns.high[4] = 1;
    expect(validateColumns(columns, "1m")).toEqual([
      { index: 2, reason: "duplicate" },
      { index: 3, reason: "unordered" },
      { index: 4, reason: "highBelowLow" },
    ]);
  });
});

describe("vocabulary", () => {
  it("aligns times to the epoch", () => {
    expect(timeframeMs("4h")).toBe(14_400_000);
    expect(alignDown(900_001, "15m")).toBe(900_000);
    expect(alignUp(900_001, "15m")).toBe(1_800_000);
    expect(alignUp(900_000, "15m")).toBe(900_000);
    expect(isTimeframe("15m")).toBe(true);
    expect(isTimeframe("7m")).toBe(false);
  });

  it("knows its instruments by symbol and names them when asked for another", () => {
    for (const instrument of INSTRUMENTS) {
      expect(instrument.rules.symbol).toBe(instrument.symbol);
      expect(findInstrument(instrument.symbol)).toEqual({ ok: true, value: instrument });
    }
    const unknown = findInstrument("GOLD-USDT");
    expect(unknown.ok ? "" : unknown.error).toMatch(/XAUT-USDT, PAXG-USDT, NCCOGOLD2USD-USDT/);
  });
});
