/**
 * Features of 100,000 made-up bars of 15 minutes: without a cache, into an empty one, extended by a tenth, read back
 * whole, and of the last four fifths alone, a range that starts elsewhere. All give the bits of a run without a
 * cache, or the program stops.
 *   npx tsx bench/features.ts [bars]
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FEATURE_SETS } from "../lib/features/registry";
import { sliceColumns } from "../lib/market/columns";
import { randomWalk } from "../lib/market/randomWalk.fixture";
import { cachedFeatures } from "../rl-worker/datasets/cachedFeatures";
import { folderFeatureCache } from "../rl-worker/datasets/featureCache";
import { hashNumbers, median, printFigure } from "./lib/figure";

const BARS = Number(process.argv[2] ?? 100_000);
const ROUNDS = 3;
const bars = randomWalk(BARS, 900_000, 7, 500);
const nineTenths = sliceColumns(bars, 0, Math.floor(0.9 * BARS));
const fourFifths = sliceColumns(bars, Math.floor(0.2 * BARS));

for (const spec of FEATURE_SETS) {
  const samples: Record<string, number[]> = {};
  const hashes = new Map<object, string>();
  const reused: Record<string, number> = {};
  for (let round = 0; round <= ROUNDS; round++) {
    const folder = await mkdtemp(join(tmpdir(), "assay-bench-"));
    const cache = folderFeatureCache({ folder, maxBytes: 4e9, nowMs: () => Date.now() });
    const timed = async (name: string, columns: typeof bars, withCache: boolean) => {
      const started = performance.now();
      const { features, rowsReused } = await cachedFeatures(columns, {
        ...{ spec, timeframe: "15m" as const },
        ...(withCache && { cache }),
      });
      if (round > 0) {
        samples[name] ??= [];
        samples[name].push(performance.now() - started);
      }
      reused[name] = rowsReused / features.rows;
      const hash = hashNumbers(features.values);
      if ((hashes.get(columns) ?? hash) !== hash) throw new Error(`${name}: other bits than without a cache`);
      hashes.set(columns, hash);
    };
    await timed("no cache", bars, false);
    await timed("last four fifths, no cache", fourFifths, false);
    await timed("nine tenths into an empty cache", nineTenths, true);
    await timed("extended by the last tenth", bars, true);
    await timed("read back whole", bars, true);
    await timed("last four fifths, another start", fourFifths, true);
    await rm(folder, { recursive: true });
  }
  const label = `features of ${BARS} bars, ${spec.id} (${spec.columns.length} columns)`;
  const resultHash = hashes.get(bars)!;
  for (const [name, values] of Object.entries(samples)) {
    const percent = Math.round(100 * reused[name]!);
    printFigure({
      name: `${label}, ${name} (${percent} % read)`,
      value: median(values),
      unit: "ms",
      n: values.length,
      resultHash,
    });
  }
  for (const [without, read] of [
    ["no cache", "read back whole"],
    ["last four fifths, no cache", "last four fifths, another start"],
  ] as const) {
    const value = median(samples[without]!) / median(samples[read]!);
    printFigure({ name: `${label}, ${read}, times as fast`, value, unit: "x", n: ROUNDS, resultHash });
  }
}
