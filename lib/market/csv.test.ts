import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concatColumns, toCandles } from "./columns";
import { CANDLE_CSV_HEADER, type CsvBatch, createCandleCsvParser } from "./csv";
import type { Timeframe } from "./types";

const bytes = (text: string) => new TextEncoder().encode(text);

function parse(input: Uint8Array, cuts: number[] = [], rejectLimit = 1000, timeframe: Timeframe = "1m") {
  const parser = createCandleCsvParser({ timeframe, rejectLimit });
  const batches: CsvBatch[] = [];
  let from = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    batches.push(parser.push(input.subarray(from, cut)));
    from = cut;
  }
  batches.push(parser.push(input.subarray(from)), parser.end());
  return {
    candles: toCandles(concatColumns(batches.map((batch) => batch.candles))),
    rejects: batches.flatMap((batch) => batch.rejects),
    summary: parser.summary(),
  };
}

const file = (...lines: string[]) => bytes([CANDLE_CSV_HEADER, ...lines].join("\n"));

describe("candle CSV parser", () => {
  it("refuses each kind of bad row with its line number and reason, and stores none of them", () => {
    const { candles, rejects, summary } = parse(
      file(
        "60000,100,110,90,105,7",
        "120000,abc,110,90,105,7",
        "120000,NaN,110,90,105,7",
        "120000,100,110,90,105",
        "120000,100,110,90,105,7,8",
        "120000,,110,90,105,7",
        "120000,100,80,90,105,7",
        "120000,100,104,90,105,7",
        "120000,100,110,101,105,7",
        "120000,0,110,0,105,7",
        "120000,-1,110,-2,105,7",
        "120000,100,110,90,105,-1",
        "120001,100,110,90,105,7",
        "60000,100,110,90,105,7",
        "0,100,110,90,105,7",
        "120000,100,1e999,90,105,7",
        "120000, 100,110,90,105,7",
        "-60000,100,110,90,105,7",
        "1635720420000000,100,110,90,105,7",
        "180000,100,110,90,105,7",
      ),
    );
    expect(candles.map((candle) => candle.openTimeMs)).toEqual([60_000, 180_000]);
    expect(rejects.map(({ line, reason }) => [line, reason])).toEqual([
      [3, "nonNumeric"],
      [4, "notFinite"],
      [5, "columnCount"],
      [6, "columnCount"],
      [7, "nonNumeric"],
      [8, "highBelowLow"],
      [9, "highBelowBody"],
      [10, "lowAboveBody"],
      [11, "nonPositivePrice"],
      [12, "nonPositivePrice"],
      [13, "negativeVolume"],
      [14, "unaligned"],
      [15, "duplicate"],
      [16, "unordered"],
      [17, "notFinite"],
      [18, "nonNumeric"],
      [19, "timeOutOfRange"],
      [20, "timeOutOfRange"],
    ]);
    expect(rejects[0]!.text).toBe("120000,abc,110,90,105,7");
    expect(summary).toMatchObject({ rowsRead: 20, rowsAccepted: 2, rowsRejected: 18 });
    expect(summary).toMatchObject({ firstOpenTimeMs: 60_000, lastOpenTimeMs: 180_000 });
    expect(summary.rejectsByReason.columnCount).toBe(2);
  });

  it("reads CRLF, a byte order mark, blank lines and a last line without an end", () => {
    const text = `\uFEFF${CANDLE_CSV_HEADER}\r\n60000,1,2,0.5,1.5,0\r\n\r\n120000,1,2,0.5,1.5,3`;
    const { candles, rejects } = parse(bytes(text));
    expect(rejects).toEqual([]);
    expect(candles).toEqual([
      { openTimeMs: 60_000, open: 1, high: 2, low: 0.5, close: 1.5, volume: 0 },
      { openTimeMs: 120_000, open: 1, high: 2, low: 0.5, close: 1.5, volume: 3 },
    ]);
  });

  it("gives every number exactly as Number(text) does", () => {
    const number = fc.oneof(
      fc.double({ min: 1e-12, max: 1e20, noNaN: true }).map(String),
      fc
        .tuple(fc.nat(9_999_999), fc.nat(99_999_999))
        .map(([a, b]) => `${a + 1}.${String(b).padStart(8, "0")}`),
      fc.bigInt({ min: 1n, max: 10n ** 25n }).map(String),
      fc.constantFrom(
        "1.",
        "+3.5",
        "2e3",
        "0.1",
        "1780.58",
        "999999999999999",
        "9999999999999999",
        "00012.50",
      ),
    );
    fc.assert(
      fc.property(number, (text) => {
        const { candles } = parse(file(`0,${text},${text},${text},${text},${text}`));
        expect(candles[0]?.close).toBe(Number(text));
        expect(candles[0]?.volume).toBe(Number(text));
      }),
      { numRuns: 1000 },
    );
  });

  it("gives the same bars and rejects however the bytes are cut", () => {
    const long = `60000,${"1".repeat(9000)}`;
    const whole = file(
      "60000,1,2,0.5,1.5,3",
      "x",
      long,
      "120000,1,2,0.5,1.5,3\r",
      "",
      "é,1",
      "180000,1,2,1,1,3",
    );
    const expected = parse(whole);
    expect(expected.rejects.map(({ reason, line }) => [line, reason])).toEqual([
      [3, "columnCount"],
      [4, "lineTooLong"],
      [7, "columnCount"],
    ]);
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 12 }), (cuts) => {
        expect(parse(whole, cuts)).toEqual(expected);
      }),
    );
    expect(
      parse(
        whole,
        Array.from({ length: whole.length }, (_, i) => i),
      ),
    ).toEqual(expected);
  });

  it("reports at most the limit of rejects but counts all", () => {
    const { rejects, summary } = parse(file("a", "b", "c"), [], 2);
    expect(rejects.length).toBe(2);
    expect(summary.rowsRejected).toBe(3);
  });

  it("refuses a file with another header, or with none", () => {
    expect(() => parse(bytes("time,open\n1,2"))).toThrow(/line 1 is "time,open"; a candle file starts with/);
    expect(() => parse(bytes(""))).toThrow(/the file is empty/);
    expect(() => parse(new Uint8Array(20_000))).toThrow(/a candle file starts with/);
  });
});
