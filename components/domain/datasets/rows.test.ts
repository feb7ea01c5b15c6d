import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DatasetManifestCore } from "@/lib/dataset/types";
import { fromFooter, Running } from "./columnStatistics";
import { type ComparedDataset, datasetRows, ROWS_SHOWN } from "./rows";

const CORE: DatasetManifestCore = {
  formatVersion: 1,
  ...{ instrument: "XAUT-USDT", timeframe: "1h", source: "file", sourceTimeframe: "5m", calendar: "always" },
  ...{ fromMs: 0, toMs: 3_600_000_000, featuresFromMs: 0, featureSetId: "core-v1", featureFingerprint: "f" },
  ...{ warmupBars: 600, rows: 400, firstRowMs: 0, lastRowMs: 3_600_000, contentSha256: "c" },
  sourceChunks: [{ chunkStartMs: 0, sha256: "a".repeat(64) }],
  quality: {
    ...{ coveragePct: 100, expectedBars: 400, gaps: 0, missingBars: 0, presentBars: 400 },
    verdict: "ok",
  },
};

const one = (
  core: Partial<DatasetManifestCore> = {},
  rest: Partial<ComparedDataset> = {},
): ComparedDataset => ({
  ...{ datasetHash: "d", contentSha256: "c", parquetSha256: "p", purpose: "training", simulated: false },
  ...{ featureCount: 29, bytes: 1_000, columns: null, manifest: { ...CORE, ...core } },
  ...rest,
});
const differing = (...compared: ComparedDataset[]) =>
  datasetRows(compared).flatMap((row) => (row.differs ? [[row.section, row.label, ...row.values]] : []));

describe("a comparison of datasets", () => {
  it("of one with itself finds no difference", () => {
    expect(differing(one(), one())).toEqual([]);
  });

  it("names a chunk that was revised, and one that only one of them has", () => {
    const chunks = [
      { chunkStartMs: 0, sha256: "b".repeat(64) },
      { chunkStartMs: 86_400_000, sha256: "e".repeat(64) },
    ];
    expect(differing(one(), one({ sourceChunks: chunks }))).toEqual([
      ["Source chunks", "Chunks", "2 of 2 differ", "2 of 2 differ"],
      ["Source chunks", "From 1970-01-01 00:00:00 UTC", "aaaaaaaa…aaaa", "bbbbbbbb…bbbb"],
      ["Source chunks", "From 1970-01-02 00:00:00 UTC", "not in it", "eeeeeeee…eeee"],
    ]);
  });

  it("shows every differing chunk of a long range before an equal one, and says how many there are", () => {
    const chunks = (revised: number) =>
      Array.from({ length: 2 * ROWS_SHOWN }, (_, i) => ({
        chunkStartMs: i,
        sha256: i === revised ? "new" : "old",
      }));
    const rows = datasetRows([one({ sourceChunks: chunks(-1) }), one({ sourceChunks: chunks(399) })]);
    const shown = rows.filter(({ section }) => section === "Source chunks");
    expect(shown).toHaveLength(ROWS_SHOWN + 1);
    expect(shown[0]!.values[0]).toBe("1 of 400 differ");
    expect(shown[1]!.values).toEqual(["old", "new"]);
  });

  it("compares columns once both files are read, and names a column that one of them lacks", () => {
    const close = { name: "close", min: 1, max: 3, mean: 2, deviation: 0.5 };
    const left = one({}, { columns: [close] });
    expect(differing(left, one())).toEqual([]);
    expect(differing(left, one({}, { columns: [close, { name: "f_new", min: -1, max: 1 }] }))).toEqual([
      ["Columns", "Columns", "1 of 2 differ", "1 of 2 differ"],
      ["Columns", "f_new", "not in it", "−1 to 1"],
    ]);
  });
});

describe("column statistics", () => {
  it("are those of the two-pass formulas", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (values) => {
        const running = new Running();
        for (const value of values) running.add(value);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
        const { min, max, mean: gotMean, deviation } = running.statistics("x");
        expect([min, max]).toEqual([Math.min(...values), Math.max(...values)]);
        expect(gotMean).toBeCloseTo(mean, 5);
        expect(deviation! ** 2).toBeCloseTo(variance, -1);
      }),
    );
  });

  it("of a footer span its row groups", () => {
    const group = (min_value: number, max_value: bigint | number) => ({
      columns: [{ meta_data: { path_in_schema: ["close"], statistics: { min_value, max_value } } }],
    });
    expect(fromFooter({ row_groups: [group(2, 5n), group(1, 4)] })).toEqual([
      { name: "close", min: 1, max: 5 },
    ]);
  });
});
