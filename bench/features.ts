/**
 * Features of 100,000 made-up bars of 15 minutes: without a cache, into an empty one, extended by a tenth, and read
 * back whole. All give the same bits, or the program stops.
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

for (const spec of FEATURE_SETS) {
  const samples: Record<string, number[]> = {};
  let resultHash = "";
  for (let round = 0; round <= ROUNDS; round++) {
    const folder = await mkdtemp(join(tmpdir(), "assay-bench-"));
    const cache = folderFeatureCache({ folder, maxBytes: 4e9, nowMs: () => Date.now() });
    const timed = async (name: string, columns: typeof bars, withCache: boolean) => {
      const started = performance.now();
      const { features } = await cachedFeatures(columns, {
        ...{ spec, timeframe: "15m" as const },
        ...(withCache && { cache }),
      });
      if (round > 0) {
        samples[name] ??= [];
        samples[name].push(performance.now() - started);
      }
      if (columns !== bars) return;
      const hash = hashNumbers(features.values);
      if (resultHash !== "" && hash !== resultHash)
        throw new Error(`${name}: other bits than without a cache`);
      resultHash = hash;
    };
    await timed("no cache", bars, false);
    await timed("nine tenths into an empty cache", nineTenths, true);
    await timed("extended by the last tenth", bars, true);
    await timed("read back whole", bars, true);
    await rm(folder, { recursive: true });
  }
  for (const [name, values] of Object.entries(samples)) {
    const label = `features of ${BARS} bars, ${spec.id} (${spec.columns.length} columns), ${name}`;
    printFigure({ name: label, value: median(values), unit: "ms", n: values.length, resultHash });
  }
}
