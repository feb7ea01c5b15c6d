import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  actionWord,
  actorName,
  baseOf,
  decimalsOfStep,
  formatAge,
  formatBytes,
  formatCompact,
  formatDay,
  formatDuration,
  formatFigure,
  formatItems,
  formatLatency,
  formatPercent,
  formatPrice,
  formatQty,
  formatSignedPercent,
  formatSignedUsd,
  formatSize,
  formatTime,
  formatTimeExact,
  formatUsd,
  parseDay,
  shortHash,
  words,
} from "./format";

describe("numbers", () => {
  it("carry their unit and group thousands", () => {
    expect(formatUsd(10214.5)).toBe("10,214.50 USD");
    expect(formatPercent(0.01234)).toBe("1.23 %");
  });

  it("show the sign of a change, with a true minus, and none on what rounds to zero", () => {
    expect(formatSignedUsd(214.5)).toBe("+214.50 USD");
    expect(formatSignedUsd(-0.5)).toBe("−0.50 USD");
    expect(formatSignedUsd(-0.001)).toBe("0.00 USD");
    expect(formatSignedPercent(-0.012)).toBe("−1.20 %");
  });

  it("read as unknown, never as zero, when there is no finite value", () => {
    for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(formatUsd(value)).toBe("—");
      expect(formatQty(value, "XAUT")).toBe("—");
      expect(formatAge(value)).toBe("—");
    }
    expect(formatPrice(0)).toBe("—");
  });

  it("use the decimals of the instrument's steps", () => {
    expect(formatPrice(3312.1, 0.01)).toBe("3,312.10");
    expect(formatQty(-0.42, "XAUT", 0.0001)).toBe("−0.4200 XAUT");
    expect(formatSize(-0.42, "XAUT", 0.0001)).toBe("0.4200 XAUT");
    expect(formatFigure(22)).toBe("22");
    expect(formatFigure(0.4545)).toBe("0.455");
    expect(decimalsOfStep(1)).toBe(0);
    expect(decimalsOfStep(0.5)).toBe(0);
  });

  it("shorten large counts", () => {
    expect(formatCompact(1_329_322)).toBe("1.33 M");
    expect(formatCompact(48_200)).toBe("48.2 k");
    expect(formatCompact(999_999)).toBe("1.00 M");
    expect(formatCompact(812)).toBe("812");
    expect(formatItems(1, "fill")).toBe("1 fill");
    expect(formatItems(1_344, "bar")).toBe("1,344 bars");
  });
});

describe("times", () => {
  it("read in UTC to the minute, or to the second with the zone named", () => {
    expect(formatTime(Date.UTC(2025, 6, 1, 13, 45, 9))).toBe("2025-07-01 13:45");
    expect(formatTimeExact(Date.UTC(2025, 6, 1, 13, 45, 9))).toBe("2025-07-01 13:45:09 UTC");
  });

  it("give ages in one unit and durations in two", () => {
    expect(formatAge(12_400)).toBe("12 s ago");
    expect(formatAge(3 * 60_000)).toBe("3 min ago");
    expect(formatAge(26 * 3_600_000)).toBe("26 h ago");
    expect(formatAge(-50)).toBe("0 s ago");
    expect(formatDuration(200_000)).toBe("3 min 20 s");
    expect(formatDuration(7_200_000)).toBe("2 h");
    expect(formatDuration(99 * 3_600_000)).toBe("4 d 3 h");
  });

  it("refuse a day that the calendar does not have", () => {
    expect(parseDay("2025-02-30")).toBeNull();
    expect(parseDay("2025-7-1")).toBeNull();
    expect(parseDay("")).toBeNull();
  });

  it("parse back every day they print", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40_000 }),
        (day) => parseDay(formatDay(day * 86_400_000)) === day * 86_400_000,
      ),
    );
  });
});

describe("names", () => {
  it("keep the ends of a hash and leave short ids whole", () => {
    expect(shortHash("0123456789abcdef0123456789abcdef")).toBe("01234567…cdef");
    expect(shortHash("abc")).toBe("abc");
  });

  it("say the action, the base asset, the person and the rule in words", () => {
    expect(actionWord(0)).toBe("Short");
    expect(actionWord(null)).toBe("None");
    expect(baseOf("XAUT-USDT")).toBe("XAUT");
    expect(baseOf("NCCOGOLD2USD-USDT")).toBe("XAU");
    expect(actorName("https://assay.local|owner")).toBe("owner");
    expect(words("positionNotional")).toBe("position notional");
    expect(words("emaDistance200")).toBe("ema distance 200");
  });

  it("give sizes and latencies the unit that fits", () => {
    expect(formatBytes(512)).toBe("512 B");
    expect(formatBytes(3.25 * 1024 * 1024)).toBe("3.3 MiB");
    expect(formatLatency(0.42)).toBe("0.4 ms");
    expect(formatLatency(1234)).toBe("1.2 s");
  });
});
