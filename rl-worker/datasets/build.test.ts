import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../lib/core/sha256";
import { datasetHash, manifestCore } from "../../lib/dataset/hash";
import { computeAtr, computeFeatures } from "../../lib/features/batch";
import { CORE_V1 } from "../../lib/features/coreV1";
import { CORE_V2 } from "../../lib/features/coreV2";
import { featureFingerprint } from "../../lib/features/fingerprint";
import type { FeatureSetSpec } from "../../lib/features/types";
import type { FrozenFeed } from "../../lib/feeds/frozen";
import { aggregateCandles } from "../../lib/market/aggregate";
import { chunkStartMs, encodeChunk } from "../../lib/market/chunk";
import { sliceColumns } from "../../lib/market/columns";
import { randomWalk } from "../../lib/market/randomWalk.fixture";
import type { CandleColumns } from "../../lib/market/types";
import { type BuildDatasetOptions, buildDataset, datasetSourceRange, type StoredChunk } from "./build";
import { DatasetFileError, readDatasetParquet } from "./parquet";

const MINUTE_MS = 60_000;
const BAR_MS = 15 * MINUTE_MS;
const SPEC: FeatureSetSpec = { ...CORE_V1, id: "core-v1-short", warmupBars: 200 };
/** Columns that are warm after 300 bars. */
const isShort = ({ kind }: { kind: string }) => kind !== "volatilityTercile";
const WIDTH = SPEC.columns.length;
const BARS = randomWalk(9000, MINUTE_MS, 21, 300);
const START_MS = Math.ceil(BARS.openTimeMs[0]! / BAR_MS) * BAR_MS;
const FROM_MS = START_MS + 410 * BAR_MS;
const TO_MS = FROM_MS + 100 * BAR_MS;

function toChunks(columns: CandleColumns): StoredChunk[] {
  const chunks: StoredChunk[] = [];
  let from = 0;
  const { openTimeMs } = columns;
  const start = (row: number) => chunkStartMs(openTimeMs[row]!, "1m");
  for (let row = 1; row <= openTimeMs.length; row++) {
    if (row < openTimeMs.length && start(row) === start(from)) continue;
    const bytes = encodeChunk(sliceColumns(columns, from, row));
    chunks.push({ chunkStartMs: start(from), sha256: sha256Hex(bytes), bytes });
    from = row;
  }
  return chunks;
}

async function* stream(chunks: StoredChunk[]) {
  yield* chunks;
}

const build = (changes: Partial<BuildDatasetOptions> = {}) =>
  buildDataset({
    instrument: "XAUT-USDT",
    source: "file",
    timeframe: "15m",
    sourceTimeframe: "1m",
    calendar: "always",
    fromMs: FROM_MS,
    toMs: TO_MS,
    spec: SPEC,
    chunks: stream(toChunks(BARS)),
    ...changes,
  });

describe("buildDataset", () => {
  it("keeps the warm rows of the range, with features and ATR as computed from the stated start", async () => {
    const { parquet, manifest, quality } = await build();
    const file = await readDatasetParquet(parquet, manifest.datasetHash);
    const { openTimeMs } = file.candles;
    expect(openTimeMs[0]).toBeGreaterThanOrEqual(FROM_MS);
    expect(openTimeMs.at(-1)).toBeLessThan(TO_MS);
    expect(manifest).toMatchObject({
      rows: openTimeMs.length,
      firstRowMs: openTimeMs[0],
      lastRowMs: openTimeMs.at(-1),
      featureSetId: SPEC.id,
      featureFingerprint: featureFingerprint(SPEC),
      warmupBars: 200,
      parquetSha256: sha256Hex(parquet),
    });
    expect(quality.presentBars).toBe(manifest.rows);

    const range = datasetSourceRange({ timeframe: "15m", fromMs: FROM_MS, toMs: TO_MS, spec: SPEC });
    const seen = BARS.openTimeMs.map((time) => Number(time >= range.fromMs && time < range.toMs));
    const first = seen.indexOf(1);
    const source = sliceColumns(BARS, first, first + seen.filter(Boolean).length);
    const bars = aggregateCandles(source, "15m", { sourceTimeframe: "1m" });
    expect(manifest.featuresFromMs).toBe(bars.openTimeMs[0]);
    const row = bars.openTimeMs.indexOf(openTimeMs[0]!);
    const expected = computeFeatures(bars, SPEC).values.subarray(row * WIDTH, (row + manifest.rows) * WIDTH);
    expect(file.features.values).toEqual(expected.slice());
    expect(file.features.names).toEqual(SPEC.columns.map((column) => column.name));
    expect(file.atr).toEqual(computeAtr(bars).slice(row, row + manifest.rows));
    expect(file.candles).toEqual(sliceColumns(bars, row, row + manifest.rows));
  });

  it("gives the same bytes and hash when built twice, and another hash when one bar differs", async () => {
    const first = await build();
    const again = await build();
    expect(again.parquet).toEqual(first.parquet);
    expect(again.datasetHash).toBe(first.datasetHash);
    expect(datasetHash(manifestCore(first.manifest))).toBe(first.datasetHash);
    const revised = sliceColumns(BARS, 0);
    const row = revised.openTimeMs.findIndex((time) => time >= FROM_MS + 5 * BAR_MS);
    revised.volume[row]! += 1;
    const other = await build({ chunks: stream(toChunks(revised)) });
    expect(other.datasetHash).not.toBe(first.datasetHash);
    expect(other.manifest.contentSha256).not.toBe(first.manifest.contentSha256);
  });

  it("builds core-v2 with the side feeds at hand, names them in the manifest, and flags the absent ones", async () => {
    const spec = { ...CORE_V2, warmupBars: 300, startGridBars: 1, columns: CORE_V2.columns.filter(isShort) };
    const without = await build({ spec });
    const bars = (await readDatasetParquet(without.parquet)).candles.openTimeMs;
    const receivedAtMs = bars[20]! + BAR_MS;
    const point = { eventAtMs: bars[18]!, receivedAtMs, availableAtMs: receivedAtMs, value: 0.5 };
    const news = { feed: "news", source: "events", points: [{ ...point, origin: "api" }], sourceChunks: [] };
    const { parquet, manifest } = await build({ spec, feeds: [news as FrozenFeed] });
    expect(manifest.sideFeeds).toMatchObject([{ feed: "news", source: "events", points: 1 }]);
    expect((await readDatasetParquet(parquet)).feeds).toEqual([news]);
    expect("sideFeeds" in without.manifest).toBe(false);
    const { features, candles } = await readDatasetParquet(parquet, manifest.datasetHash);
    const column = (name: string) =>
      candles.openTimeMs.map(
        (_, row) => features.values[row * features.width + features.names.indexOf(name)]!,
      );
    const first = 20;
    expect(column("newsPresent").indexOf(1)).toBe(first);
    expect(column("news")[first]).toBe(0.5);
    expect(column("newsPresent")[first - 1]).toBe(0);
    for (const feed of ["funding", "basis", "openInterest", "ideas", "signals", "ocr"]) {
      expect(column(`${feed}Present`).every((flag) => flag === 0)).toBe(true);
    }
    expect(column("h1Present").every((flag) => flag === 1)).toBe(true);
  });

  it("does not let bars outside the source range into the rows", async () => {
    const range = datasetSourceRange({ timeframe: "15m", fromMs: FROM_MS, toMs: TO_MS, spec: SPEC });
    const inside = toChunks(BARS).filter(
      ({ chunkStartMs: start }) => start + 1440 * MINUTE_MS > range.fromMs && start < range.toMs,
    );
    expect(inside.length).toBeLessThan(toChunks(BARS).length);
    const narrow = await build({ chunks: stream(inside) });
    expect(narrow.datasetHash).toBe((await build()).datasetHash);
    expect(narrow.manifest.sourceChunks.length).toBe(inside.length);
  });

  it("starts at the first warm bar when history is short, and says so", async () => {
    const { manifest } = await build({ fromMs: START_MS, toMs: START_MS + 300 * BAR_MS });
    expect(manifest.firstRowMs).toBeGreaterThan(START_MS + 199 * BAR_MS);
    expect(manifest.rows).toBeLessThanOrEqual(100);
  });

  it("refuses with a reason: no bars, no warm bars, bad range, unaligned range, wrong timeframes", async () => {
    const code = (changes: Partial<BuildDatasetOptions>) => build(changes).catch((error) => error.code);
    const later = TO_MS + 5000 * BAR_MS;
    expect(await code({ fromMs: later, toMs: later + BAR_MS })).toBe("noBars");
    expect(await code({ chunks: stream([]) })).toBe("noBars");
    expect(await code({ fromMs: START_MS, toMs: START_MS + 20 * BAR_MS })).toBe("noWarmRows");
    expect(await code({ fromMs: TO_MS, toMs: FROM_MS })).toBe("badRange");
    expect(await code({ fromMs: FROM_MS + 1 })).toBe("badRange");
    expect(await code({ timeframe: "5m", sourceTimeframe: "3m" })).toBe("badRange");
  });

  it("A-02: refuses a chunk whose bytes do not match their hash, and chunks out of order", async () => {
    const damaged = toChunks(BARS);
    damaged[2] = { ...damaged[2]!, sha256: "0".repeat(64) };
    await expect(build({ chunks: stream(damaged) })).rejects.toMatchObject({ code: "chunkHash" });
    await expect(build({ chunks: stream(toChunks(BARS).reverse()) })).rejects.toMatchObject({
      code: "chunkOrder",
    });
  });

  it("stops when its signal is aborted", async () => {
    const controller = new AbortController();
    controller.abort(new Error("cancelled by the operator"));
    await expect(build({ signal: controller.signal })).rejects.toThrow("cancelled by the operator");
  });
});

describe("dataset file", () => {
  it("A-02: refuses another dataset's file, a file without a manifest and a damaged file", async () => {
    const { parquet, datasetHash: hash } = await build();
    await expect(readDatasetParquet(parquet, "f".repeat(64))).rejects.toThrow(/expected ffff/);
    await expect(readDatasetParquet(new Uint8Array(64))).rejects.toBeInstanceOf(DatasetFileError);
    let refused = 0;
    for (let position = 100; position < parquet.length; position += Math.floor(parquet.length / 40)) {
      const damaged = parquet.slice();
      damaged[position]! ^= 0x10;
      const outcome = await readDatasetParquet(damaged, hash).then(
        (file) => file.datasetHash === hash,
        (error) => (error instanceof DatasetFileError ? "refused" : error),
      );
      // A flipped bit may lie in statistics that reading does not use; it must never change the rows.
      expect([true, "refused"]).toContain(outcome);
      if (outcome === "refused") refused++;
    }
    expect(refused).toBeGreaterThan(30);
  });
});
