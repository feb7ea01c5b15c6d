/** Seeds a desk through its own functions: bars, a dataset, a trained version, a run that has begun. */
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { DEFAULT_COST_MODEL } from "../../lib/broker/costModels";
import type { CostModel, SizingSpec } from "../../lib/broker/types";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { createPrng } from "../../lib/core/prng";
import { sha256Hex } from "../../lib/core/sha256";
import { chunkStartMs, encodeChunk } from "../../lib/market/chunk";
import { fromCandles } from "../../lib/market/columns";
import { INSTRUMENTS } from "../../lib/market/instruments";
import type { Candle, Timeframe } from "../../lib/market/types";
import { buildArtifact } from "../../lib/policy/artifact";
import { initialWeights } from "../../lib/policy/network";
import type { Desk } from "./setup";

export const INSTRUMENT = "XAUT-USDT";
export const SOURCE = "test-file";
export const TF_MS = 900_000;
export const T0 = Date.UTC(2025, 5, 2, 10, 0);
export const RULES = INSTRUMENTS[0]!.rules;
export const SIZING: SizingSpec = { positionFraction: 1, stopAtrMultiple: 3 };

/** One bar; `open` and `close` default to the price, high and low to their extremes. */
export function bar(index: number, price: number, shape: Partial<Candle> = {}): Candle {
  const open = shape.open ?? price;
  const close = shape.close ?? price;
  const low = Math.min(open, close);
  const high = Math.max(open, close);
  return { openTimeMs: T0 + index * TF_MS, open, high, low, close, volume: 100, ...shape };
}

export function chunksOf(bars: Candle[], timeframe: Timeframe) {
  const byStart = new Map<number, Candle[]>();
  for (const candle of bars) {
    const start = chunkStartMs(candle.openTimeMs, timeframe);
    byStart.set(start, [...(byStart.get(start) ?? []), candle]);
  }
  return [...byStart].map(([start, held]) => ({
    chunkStartMs: start,
    payload: encodeChunk(fromCandles(held)).slice().buffer as ArrayBuffer,
  }));
}

export function appendBars(
  desk: Desk,
  bars: Candle[],
  timeframe: Timeframe = "15m",
  source = SOURCE,
  instrument = INSTRUMENT,
) {
  const key = { instrument, timeframe, source };
  const meta = { calendar: "always" as const, simulated: false };
  const chunks = chunksOf(bars, timeframe);
  return desk.service.mutation(api.market.worker.appendChunks, { ...key, ...meta, chunks });
}

export async function claim(desk: Desk) {
  const job = await desk.service.mutation(api.ops.worker.claim, { workerId: "worker-1" });
  if (job === null) throw new Error("no job is queued");
  return { job, lease: { jobId: job._id, leaseToken: job.leaseToken } };
}

export function store(desk: Desk, content: string | Uint8Array): Promise<Id<"_storage">> {
  const blob = new Blob([typeof content === "string" ? content : content.slice()]);
  return desk.t.run((ctx) => ctx.storage.store(blob));
}

/** What another dataset of the same kind differs in. */
export type DatasetChange = { instrument?: string; timeframe?: Timeframe; fromMs?: number; toMs?: number };

/** The arguments of `datasets.worker.record` for a small honest dataset. */
export async function datasetArgs(desk: Desk, note = "first", change: DatasetChange = {}) {
  const stated = {
    instrument: INSTRUMENT,
    timeframe: "15m" as Timeframe,
    source: SOURCE,
    // Ends where the evaluations of tests begin.
    fromMs: T0 - 200 * TF_MS,
    toMs: T0,
    rows: 200,
    featureSetId: "core-v1",
    featureFingerprint: "f".repeat(64),
    contentSha256: sha256Hex("rows"),
    ...change,
  };
  const manifest = canonicalJson({ formatVersion: 1, note, sourceTimeframe: "15m", ...stated });
  const dataset = {
    ...stated,
    datasetHash: sha256Hex(manifest),
    manifest,
    featureCount: 3,
    quality: {
      verdict: "ok" as "ok" | "failed",
      coveragePct: 100,
      gaps: 0,
      missingBars: 0,
      expectedBars: 200,
      presentBars: 200,
    },
    bytes: 10,
    parquetSha256: sha256Hex("parquet"),
    parquetStorageId: await store(desk, "parquet"),
    purpose: "training" as const,
    seconds: 1,
  };
  return { dataset, featureSet: { version: 1, columnNames: ["a", "b", "c"], warmupBars: 20 } };
}

const BUILD = { instrument: INSTRUMENT, timeframe: "15m", source: SOURCE, sourceTimeframe: "15m" } as const;

/** Requests, claims, records and finishes one dataset build. Bars must be stored before. */
export async function seedDataset(
  desk: Desk,
  note?: string,
  change: DatasetChange = {},
): Promise<Id<"datasets">> {
  const range = { fromMs: T0, toMs: T0 + 200 * TF_MS, featureSetId: "core-v1" };
  await desk.operator.mutation(api.datasets.console.requestBuild, { ...BUILD, ...range });
  const { lease } = await claim(desk);
  const args = await datasetArgs(desk, note, change);
  const id = await desk.service.mutation(api.datasets.worker.record, { ...lease, ...args });
  const outcome = { status: "succeeded" as const, resultId: id };
  await desk.service.mutation(api.ops.worker.finish, { ...lease, outcome });
  return id;
}

export function artifactFor(datasetHash: string, seed: number, costs: CostModel = DEFAULT_COST_MODEL) {
  const network = { observationSize: 4, hiddenSizes: [8], actionCount: 3, activation: "tanh" as const };
  return buildArtifact({
    algorithm: "ppo",
    instrument: INSTRUMENT,
    timeframe: "15m",
    datasetHash,
    featureSetId: "core-v1",
    featureFingerprint: "f".repeat(64),
    observationFields: ["a", "b", "c", "position"],
    normaliser: { mean: [0, 0, 0], std: [1, 1, 1], clip: 5 },
    network,
    environment: { costs, rules: RULES, sizing: SIZING, episodeBars: 96 },
    seed,
    environmentSteps: 1_000,
    hyperparameters: { gamma: 0.99 },
    trainedWithKernel: "dense-f32-simd128-1",
    weights: initialWeights(network, createPrng(seed)),
  });
}

/** The arguments of `agents.worker.complete` for an artifact whose files are really stored. */
export async function trainingResult(desk: Desk, datasetHash: string, seed = 7, costs?: CostModel) {
  const built = artifactFor(datasetHash, seed, costs);
  const files = [];
  for (const [name, bytes] of built.files) {
    const { sha256 } = built.manifest.files[name]!;
    files.push({ name, storageId: await store(desk, bytes), sha256, bytes: bytes.length });
  }
  return {
    manifest: canonicalJson(built.manifest),
    artifactSha256: built.artifactSha256,
    files,
    finalMetrics: { entropy: 0.5 },
    environmentSteps: 1_000,
    stepsPerSecond: 5_000,
    seconds: 2,
  };
}

/** A claimed training that the worker has marked as started. */
export async function beginTraining(desk: Desk, datasetId: Id<"datasets">, seed = 7) {
  const request = { datasetId, algorithm: "ppo" as const, steps: 1_000, seed };
  const { versionId } = await desk.operator.mutation(api.agents.console.requestTraining, request);
  const { lease } = await claim(desk);
  await desk.service.mutation(api.agents.worker.markTraining, { ...lease, versionId });
  return { versionId, lease };
}

/** Stores a cost model as if it had been measured, and puts it in force for the instrument. */
export async function putCostsInForce(desk: Desk, model: CostModel) {
  const source = {
    kind: "spreadFile" as const,
    ...{ fileName: "spread.csv", fileSha256: "0".repeat(64), rows: 24, bars: 100 },
    ...{ fromMonth: "2025-06", toMonth: "2025-07", priceBasis: "test" },
  };
  const saved = { instrument: INSTRUMENT, model, source, basis: "numbers of a test" };
  await desk.operator.mutation(api.costs.console.save, saved);
  const use = { instrument: INSTRUMENT, modelId: model.id, reason: "test" };
  return desk.operator.mutation(api.costs.console.use, use);
}

/** Bars, a dataset and a candidate with an artifact; `costs` go into its environment. */
export async function seedVersion(desk: Desk, costs?: CostModel) {
  await appendBars(
    desk,
    Array.from({ length: 200 }, (_, i) => bar(i, 2_000)),
  );
  const datasetId = await seedDataset(desk);
  if (costs !== undefined && costs !== DEFAULT_COST_MODEL) await putCostsInForce(desk, costs);
  const { datasetHash } = await desk.service.query(api.datasets.worker.get, { datasetId });
  const { versionId, lease } = await beginTraining(desk, datasetId);
  const result = await trainingResult(desk, datasetHash, 7, costs);
  await desk.service.mutation(api.agents.worker.complete, { ...lease, versionId, result });
  const outcome = { status: "succeeded" as const, resultId: versionId };
  await desk.service.mutation(api.ops.worker.finish, { ...lease, outcome });
  return { datasetId, datasetHash, versionId, artifactSha256: result.artifactSha256 };
}
