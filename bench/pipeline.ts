/**
 * The way of a bar without the desk around it: CSV parse, chunk codec, dataset, environment, backtest.
 * On the shared one-minute file when it is there, else on a seeded random walk; the names say which.
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { sha256Hex } from "../lib/core/sha256";
import { CORE_V1 } from "../lib/features/coreV1";
import { fitNormaliser } from "../lib/features/normaliser";
import { observationSize } from "../lib/features/observation";
import { BARS_PER_CHUNK, chunkStartMs, decodeChunk, encodeChunk } from "../lib/market/chunk";
import { concatColumns, sliceColumns } from "../lib/market/columns";
import { createCandleCsvParser } from "../lib/market/csv";
import { findInstrument } from "../lib/market/instruments";
import { randomWalk } from "../lib/market/randomWalk.fixture";
import type { CandleColumns } from "../lib/market/types";
import { buildDataset } from "../rl-worker/datasets/build";
import { readDatasetParquet } from "../rl-worker/datasets/parquet";
import { defaultEnvSpec } from "../rl-worker/env/envSpec";
import { createTradingEnv } from "../rl-worker/env/tradingEnv";
import { runBacktest } from "../rl-worker/evaluate/backtest";
import { hashNumbers, median, printFigure } from "./lib/figure";

const ROUNDS = 5;
const ENV_STEPS = 200_000;
const FILE = resolve("../shared/data/xauusd_1m_20211031_20250731.csv.gz");
const HEADER = "timestamp_ms,open,high,low,close,volume\n";

function csvBytes(): { bytes: Uint8Array; market: string } {
  if (existsSync(FILE)) return { bytes: gunzipSync(readFileSync(FILE)), market: "xauusd" };
  const { openTimeMs, open, high, low, close, volume } = randomWalk(1_000_000, 60_000);
  const lines = Array.from(openTimeMs, (t, i) =>
    [t, open[i], high[i], low[i], close[i], volume[i]].join(","),
  );
  return { bytes: new TextEncoder().encode(HEADER + lines.join("\n")), market: "randomWalk" };
}

/** Median units per second of `work`, which returns how many units it did and a hash of the result. */
async function rate(name: string, unit: string, work: () => Promise<[number, string]> | [number, string]) {
  const rates: number[] = [];
  let resultHash = "";
  for (let round = 0; round <= ROUNDS; round++) {
    const started = performance.now();
    const [units, hash] = await work();
    if (round > 0) rates.push(units / ((performance.now() - started) / 1000));
    if (resultHash !== "" && resultHash !== hash)
      throw new Error(`${name}: two rounds gave different results`);
    resultHash = hash;
  }
  printFigure({ name, value: median(rates), unit, n: rates.length, resultHash });
}

function parse(bytes: Uint8Array): CandleColumns {
  const parser = createCandleCsvParser({ timeframe: "1m", rejectLimit: 10 });
  const parts: CandleColumns[] = [];
  const step = 1 << 20;
  for (let i = 0; i < bytes.length; i += step) parts.push(parser.push(bytes.subarray(i, i + step)).candles);
  parts.push(parser.end().candles);
  return concatColumns(parts);
}

function chunksOf(columns: CandleColumns): { chunkStartMs: number; sha256: string; bytes: Uint8Array }[] {
  const chunks = [];
  for (let from = 0; from < columns.openTimeMs.length; ) {
    const start = chunkStartMs(columns.openTimeMs[from]!, "1m");
    let to = from;
    while (to < columns.openTimeMs.length && columns.openTimeMs[to]! < start + BARS_PER_CHUNK * 60_000)
      to += 1;
    const bytes = encodeChunk(sliceColumns(columns, from, to));
    chunks.push({ chunkStartMs: start, sha256: sha256Hex(bytes), bytes });
    from = to;
  }
  return chunks;
}

const { bytes, market } = csvBytes();
const columns = parse(bytes);
const rows = columns.openTimeMs.length;
await rate(`csv parse, ${market}`, "rows/s", () => [
  parse(bytes).openTimeMs.length,
  hashNumbers(columns.close),
]);
const chunks = chunksOf(columns);
await rate(`chunk encode and hash, ${market}`, "bars/s", () => {
  const made = chunksOf(columns);
  return [rows, sha256Hex(made.map((chunk) => chunk.sha256).join("")).slice(0, 16)];
});
await rate(`chunk decode, ${market}`, "bars/s", () => {
  let last = 0;
  for (const chunk of chunks) last = decodeChunk(chunk.bytes).close.at(-1)!;
  return [rows, hashNumbers([last])];
});

const QUARTER_HOUR_MS = 900_000;
const toMs = Math.floor(columns.openTimeMs.at(-1)! / QUARTER_HOUR_MS) * QUARTER_HOUR_MS;
const fromMs = toMs - 18 * 30 * 86_400_000;
const build = () =>
  buildDataset({
    instrument: "XAUT-USDT",
    source: "bench",
    timeframe: "15m",
    sourceTimeframe: "1m",
    calendar: market === "xauusd" ? "metals" : "always",
    fromMs,
    toMs,
    spec: CORE_V1,
    chunks: (async function* () {
      yield* chunks;
    })(),
  });
const built = await build();
await rate(`dataset 15m with ${CORE_V1.columns.length} features, ${market}`, "rows/s", async () => {
  const dataset = await build();
  return [dataset.manifest.rows, dataset.datasetHash.slice(0, 16)];
});

const data = await readDatasetParquet(built.parquet, built.datasetHash);
const normaliser = fitNormaliser(data.features, 0, data.features.rows);
const instrument = findInstrument("XAUT-USDT");
if (!instrument.ok) throw new Error(instrument.error);
const spec = defaultEnvSpec(instrument.value.rules);
await rate(`environment with full costs and observation, ${market}`, "steps/s", () => {
  const env = createTradingEnv({ ...data, normaliser, spec });
  const observation = new Float32Array(observationSize(CORE_V1));
  let total = 0;
  env.reset(1);
  for (let step = 0; step < ENV_STEPS; step++) {
    env.observe(observation, 0);
    const { reward, terminated, truncated } = env.step(Math.floor(step / 10) % 3);
    total += reward;
    if (terminated || truncated) env.reset(step);
  }
  return [ENV_STEPS, hashNumbers([total])];
});
await rate(`backtest of a rule with full costs, ${market}`, "bars/s", () => {
  const result = runBacktest({ ...data, normaliser, spec, decide: (_, row) => Math.floor(row / 16) % 3 });
  return [result.equityUsd.length, hashNumbers(result.equityUsd)];
});
