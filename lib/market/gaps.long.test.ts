import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detectCalendar, isExpectedOpen } from "./calendar";
import { concatColumns } from "./columns";
import { createCandleCsvParser } from "./csv";
import { coverage, findGaps } from "./gaps";
import type { Timeframe } from "./types";

const MINUTE_MS = 60_000;
const at = (text: string) => Date.parse(`${text}Z`);
const minutes = (from: string, to: string, step = 1) => {
  const times: number[] = [];
  for (let t = at(from); t < at(to); t += step * MINUTE_MS) times.push(t);
  return times;
};

describe("gaps", () => {
  it("names the cause of each hole and counts only minutes in which the market was open", () => {
    const times = Float64Array.from([
      ...minutes("2025-07-10T20:00", "2025-07-10T21:00"), // break 21:00-22:00
      ...minutes("2025-07-10T22:00", "2025-07-10T22:10"), // ten minutes missing
      ...minutes("2025-07-10T22:20", "2025-07-11T20:30"), // half an hour missing before the weekend
      ...minutes("2025-07-13T22:00", "2025-07-14T00:00"),
    ]);
    expect(findGaps(times, "1m", "metals").map((gap) => [gap.cause, gap.missingBars])).toEqual([
      ["dailyBreak", 0],
      ["missing", 10],
      ["missing", 30],
    ]);
    const always = findGaps(times, "1m", "always");
    expect(always.map((gap) => gap.missingBars)).toEqual([60, 10, 49.5 * 60]);
    expect(always[0]).toEqual({
      fromMs: at("2025-07-10T21:00"),
      toMs: at("2025-07-10T22:00"),
      missingBars: 60,
      cause: "missing",
    });
  });

  it("a clean weekend is one gap without missing bars", () => {
    const times = Float64Array.from([at("2025-07-11T20:45"), at("2025-07-13T22:00")]);
    expect(findGaps(times, "15m", "metals").map((gap) => [gap.cause, gap.missingBars])).toEqual([
      ["weekend", 0],
    ]);
  });

  it("counts as a plain look at every slot does", () => {
    const from = at("2025-03-05T00:00");
    const to = at("2025-03-19T00:00");
    const property = fc.property(
      fc.constantFrom<[Timeframe, number]>(["15m", 15], ["1h", 60], ["4h", 240], ["1d", 1440]),
      fc.array(fc.boolean(), { minLength: 200, maxLength: 200 }),
      ([timeframe, size], keep) => {
        const step = size * MINUTE_MS;
        const slots = minutes("2025-03-05T00:00", "2025-03-19T00:00", size);
        const times = Float64Array.from(slots.filter((_, i) => keep[i % keep.length]));
        const expected = slots.filter((time) => isExpectedOpen("metals", time, step));
        const present = expected.filter((time) => times.includes(time));
        const report = coverage(times, timeframe, "metals", from, to);
        expect(report.expectedBars).toBe(expected.length);
        expect(report.presentBars).toBe(present.length);
        expect(report.missingBars).toBe(expected.length - present.length);
        const inner = findGaps(times, timeframe, "metals").reduce((sum, gap) => sum + gap.missingBars, 0);
        const ends = expected.filter((t) => t < (times[0] ?? to) || t > (times.at(-1) ?? to)).length;
        expect(inner + ends).toBe(report.missingBars);
      },
    );
    fc.assert(property, { numRuns: 40 });
  });

  it("judges coverage: complete is ok, a tenth missing is degraded, nothing expected is failed", () => {
    const full = Float64Array.from(minutes("2025-07-08T00:00", "2025-07-08T20:00"));
    const judge = (times: Float64Array, to = "2025-07-08T20:00") =>
      coverage(times, "1m", "metals", at("2025-07-08T00:00"), at(to));
    expect(judge(full)).toMatchObject({ coveragePct: 100, gaps: 0, verdict: "ok" });
    expect(judge(full.filter((_, i) => i >= 120))).toMatchObject({
      coveragePct: 90,
      gaps: 1,
      verdict: "degraded",
    });
    expect(judge(new Float64Array(0))).toMatchObject({ coveragePct: 0, gaps: 1, verdict: "failed" });
    expect(coverage(full, "1m", "metals", at("2025-07-12T00:00"), at("2025-07-12T10:00")).verdict).toBe(
      "failed",
    );
  });

  const files: Array<[string, Timeframe, number, number, number]> = [
    ["xauusd_1m_20211031_20250731.csv.gz", "1m", 1_329_322, 395, 21_773],
    ["xauusd_5m_20211031_20250731.csv.gz", "5m", 265_956, 57, 4_265],
    ["xauusd_1h_20060320_20250731.csv.gz", "1h", 114_472, 750, 3_720],
    ["xauusd_histdata_1m_20170102_20171229.csv.gz", "1m", 352_360, 462, 5_114],
  ];
  for (const [name, timeframe, rows, holes, missing] of files) {
    const path = new URL(`../../../shared/data/${name}`, import.meta.url);
    it.skipIf(!existsSync(path))(
      `finds the published gaps of ${name} (skipped when the file is absent)`,
      () => {
        const parser = createCandleCsvParser({ timeframe, rejectLimit: 10 });
        const batches = [parser.push(gunzipSync(readFileSync(path))), parser.end()];
        const times = concatColumns(batches.map((batch) => batch.candles)).openTimeMs;
        expect(parser.summary()).toMatchObject({ rowsAccepted: rows, rowsRejected: 0 });
        expect(detectCalendar(times)).toBe("metals");
        const gaps = findGaps(times, timeframe, "metals").filter((gap) => gap.cause === "missing");
        expect(gaps.reduce((sum, gap) => sum + gap.missingBars, 0)).toBe(missing);
        expect(gaps.length).toBe(holes);
      },
    );
  }
});
