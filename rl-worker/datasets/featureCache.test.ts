import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { computeAtr, computeFeatures } from "../../lib/features/batch";
import { CORE_V1 } from "../../lib/features/coreV1";
import { CORE_V2 } from "../../lib/features/coreV2";
import type { FeatureSetSpec } from "../../lib/features/types";
import { sliceColumns } from "../../lib/market/columns";
import { randomWalk } from "../../lib/market/randomWalk.fixture";
import { BLOCK_BARS, cachedFeatures } from "./cachedFeatures";
import { type FeatureCache, folderFeatureCache } from "./featureCache";

const BAR_MS = 900_000;
const ALL = randomWalk(4 * BLOCK_BARS, BAR_MS, 6, 500);
/** Rows at which a block of the time grid begins. */
const CUTS = Array.from(ALL.openTimeMs, (time) => Math.floor(time / (BLOCK_BARS * BAR_MS))).flatMap(
  (block, i, blocks) => (i > 0 && block !== blocks[i - 1] ? [i] : []),
);
const [FIRST_CUT, SECOND_CUT] = [CUTS[0]!, CUTS[1]!];
const BARS = sliceColumns(ALL, 0, SECOND_CUT + 900);
const SHORTER = sliceColumns(ALL, 0, FIRST_CUT + 700);
const timeframe = "15m" as const;

let folder: string;
let now: number;
let cache: FeatureCache;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "assay-features-"));
  now = 1_700_000_000_000;
  cache = folderFeatureCache({ folder, maxBytes: 1e9, nowMs: () => ++now });
});
afterEach(() => rm(folder, { recursive: true }));

const sameBits = (a: Float64Array, b: Float64Array) => Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

async function expectSame(bars: typeof BARS, spec: FeatureSetSpec, expectedReuse: number) {
  const { features, atr, rowsReused } = await cachedFeatures(bars, { spec, timeframe, cache });
  expect(rowsReused).toBe(expectedReuse);
  const plain = computeFeatures(bars, spec, { timeframe });
  expect(sameBits(features.values, plain.values)).toBe(true);
  expect(sameBits(atr, computeAtr(bars))).toBe(true);
}

describe("feature cache", () => {
  it.each([CORE_V1, CORE_V2])(
    "US7: the same bytes with and without it, and an extended range reuses: $id",
    async (spec) => {
      await expectSame(SHORTER, spec, 0);
      await expectSame(BARS, spec, FIRST_CUT);
      await expectSame(BARS, spec, SECOND_CUT);
      await expectSame(SHORTER, spec, FIRST_CUT);
    },
  );

  it("US7: a range that starts elsewhere joins the known blocks once its averages forgot their seeds", async () => {
    await expectSame(ALL, CORE_V1, 0);
    const lastCut = CUTS.at(-1)!;
    // EMA 200 forgets its seed to the last bit after about 3,400 bars; the block after that is known.
    const start = FIRST_CUT - 1_000;
    const joined = CUTS.find((cut) => cut >= start + 4_000)!;
    expect(joined).toBeLessThan(lastCut);
    await expectSame(sliceColumns(ALL, start), CORE_V1, lastCut - joined);
    // Known from the first bar on the second time.
    await expectSame(sliceColumns(ALL, start), CORE_V1, lastCut - start);
  });

  it("a start whose averages still remember it reuses nothing", async () => {
    await expectSame(BARS, CORE_V1, 0);
    await expectSame(sliceColumns(BARS, FIRST_CUT - 1_000), CORE_V1, 0);
  });

  it("reuses nothing across feature sets, other bars or other side points", async () => {
    await expectSame(SHORTER, CORE_V2, 0);
    await expectSame(SHORTER, CORE_V1, 0);
    const revised = sliceColumns(SHORTER, 0);
    revised.volume[10]! += 1;
    await expectSame(revised, CORE_V2, 0);
    const news = { availableAtMs: Float64Array.of(BARS.openTimeMs[700]!), value: Float64Array.of(1) };
    const options = { spec: CORE_V2, timeframe, cache, sides: { news } };
    const { features, rowsReused } = await cachedFeatures(SHORTER, options);
    expect(rowsReused).toBe(0);
    expect(sameBits(features.values, computeFeatures(SHORTER, CORE_V2, options).values)).toBe(true);
    expect((await cachedFeatures(SHORTER, options)).rowsReused).toBe(FIRST_CUT);
  });

  it("a damaged or truncated block is computed again and replaced", async () => {
    await expectSame(SHORTER, CORE_V1, 0);
    const [name] = await readdir(folder);
    const file = join(folder, name!);
    const sound = await readFile(file);
    const flipped = Buffer.from(sound);
    flipped[5_000]! ^= 1;
    for (const damaged of [flipped, sound.subarray(0, 900), Buffer.alloc(0)]) {
      await writeFile(file, damaged);
      await expectSame(SHORTER, CORE_V1, 0);
      expect((await readFile(file)).equals(sound)).toBe(true);
    }
  });

  it("stays within its limit by dropping what was not used for the longest time", async () => {
    const small = folderFeatureCache({ folder, maxBytes: 250, nowMs: () => (now += 1_000) });
    for (const key of ["a", "b", "c"]) await small.write(key, new Uint8Array(68));
    await small.read("a");
    await small.prune();
    expect((await readdir(folder)).sort()).toEqual(["a", "c"]);
  });

  it("workers that build at once leave sound blocks and get the same bytes", async () => {
    const others = Array.from({ length: 3 }, () =>
      folderFeatureCache({ folder, maxBytes: 1e9, nowMs: () => now }),
    );
    const built = await Promise.all(
      others.map((shared) => cachedFeatures(BARS, { spec: CORE_V1, timeframe, cache: shared })),
    );
    for (const { features } of built) {
      expect(sameBits(features.values, built[0]!.features.values)).toBe(true);
    }
    expect((await readdir(folder)).length).toBe(2);
    await expectSame(BARS, CORE_V1, SECOND_CUT);
  });
});
