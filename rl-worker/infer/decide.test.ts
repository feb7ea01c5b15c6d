import { describe, expect, it } from "vitest";
import { createPrng } from "../../lib/core/prng";
import { computeFeatures } from "../../lib/features/batch";
import { CORE_V1 } from "../../lib/features/coreV1";
import { CORE_V2 } from "../../lib/features/coreV2";
import { featureFingerprint } from "../../lib/features/fingerprint";
import { fitTrainingReference } from "../../lib/features/guard";
import { fitNormaliser } from "../../lib/features/normaliser";
import { observationFields, observationGroups, observationSize } from "../../lib/features/observation";
import type { FeatureSetSpec } from "../../lib/features/types";
import { candleAt } from "../../lib/market/columns";
import { findInstrument } from "../../lib/market/instruments";
import { randomWalk } from "../../lib/market/randomWalk.fixture";
import { buildArtifact, verifyArtifact } from "../../lib/policy/artifact";
import { initialWeights } from "../../lib/policy/network";
import type { NetworkSpec } from "../../lib/policy/types";
import { frozenPoints } from "../datasets/feeds";
import { defaultEnvSpec } from "../env/envSpec";
import type { LoadedVersion } from "../jobs/artifact";
import { BarPipeline, type ReadyBar } from "./barPipeline";
import { answer, type PolicyAnswer } from "./decide";

const BAR_MS = 900_000;
const ROWS = 3_000;
const TRAINED_TO = 2_800;
const columns = randomWalk(ROWS, BAR_MS, 12);
const FLAT = {
  position: 0,
  unrealisedFraction: 0,
  barsHeldFraction: 0,
  drawdownFraction: 0,
  stopDistanceFraction: 0,
};

/** An untrained policy on a feature set, with or without the reference that newer artifacts carry, or an encoder. */
function version(
  spec: FeatureSetSpec,
  { guarded, encoderUnits = 0 }: { guarded: boolean; encoderUnits?: number },
): LoadedVersion {
  const features = computeFeatures(columns, spec, { timeframe: "15m" });
  const normaliser = fitNormaliser(features, spec.warmupBars, TRAINED_TO);
  const network: NetworkSpec = {
    observationSize: observationSize(spec),
    hiddenSizes: [8],
    actionCount: 3,
    activation: "tanh",
    ...(encoderUnits > 0 && {
      encoder: { groups: observationGroups(spec), units: encoderUnits, fusionUnits: 5 },
    }),
  };
  const instrument = findInstrument("XAUT-USDT");
  if (!instrument.ok) throw new Error(instrument.error);
  const envSpec = defaultEnvSpec(instrument.value.rules);
  const built = buildArtifact({
    ...{ algorithm: "ppo", instrument: "XAUT-USDT", timeframe: "15m", datasetHash: "0".repeat(64) },
    featureSetId: spec.id,
    featureFingerprint: featureFingerprint(spec),
    observationFields: observationFields(spec),
    normaliser,
    ...(guarded && {
      trainingReference: fitTrainingReference(features, spec.warmupBars, TRAINED_TO, normaliser),
    }),
    network,
    environment: envSpec,
    ...{ seed: 1, environmentSteps: 0, hyperparameters: {}, trainedWithKernel: "none" },
    weights: initialWeights(network, createPrng(5)),
  });
  const loaded = verifyArtifact(built.manifest, built.files, built.artifactSha256);
  if (!loaded.ok) throw new Error(loaded.error.message);
  return { ...loaded.value, spec, envSpec };
}

/** The bars as a live run meets them; `spike` multiplies the close of the last one. */
async function lastReady(spec: FeatureSetSpec, rows: number, spike = 1): Promise<ReadyBar> {
  const pipeline = new BarPipeline(spec, "15m", "15m", frozenPoints([]));
  let last: ReadyBar | undefined;
  for (let i = 0; i < rows; i++) {
    const bar = candleAt(columns, i);
    if (i === rows - 1) {
      bar.close *= spike;
      bar.high = Math.max(bar.high, bar.close);
    }
    last = (await pipeline.push(bar))[0];
  }
  return last!;
}

describe("answer to a live bar", () => {
  it.each([CORE_V1, CORE_V2])(
    "a planted spike is held with its reason, a normal bar is not: $id",
    async (spec) => {
      const guarded = version(spec, { guarded: true });
      const calm = answer(guarded, (await lastReady(spec, 2_900)).features, FLAT);
      expect(calm.forcedHold).toBeUndefined();
      expect(calm.action).not.toBeNull();
      expect(calm.outOfDistribution!.distance).toBeLessThan(
        guarded.manifest.trainingReference!.distanceLimit,
      );
      const spike = answer(guarded, (await lastReady(spec, 2_900, 1.04)).features, FLAT);
      expect(spike.action).toBeNull();
      expect(spike.forcedHold).toMatch(/^out of distribution: .* farthest is \w+$/);
      expect(spike.outOfDistribution!.distance).toBeGreaterThan(
        guarded.manifest.trainingReference!.distanceLimit,
      );
    },
  );

  it("made again from the same row it has the same score and sentence to the last bit", async () => {
    const guarded = version(CORE_V1, { guarded: true });
    const { features } = await lastReady(CORE_V1, 2_900, 1.04);
    expect(answer(guarded, features!.slice(), FLAT)).toEqual(answer(guarded, features, FLAT));
  });

  it("S1-15: with an encoder it has the same bits on live bars as on the rows of a dataset of them", async () => {
    const encoded = version(CORE_V2, { guarded: true, encoderUnits: 4 });
    const plain = version(CORE_V2, { guarded: true });
    const { values, width } = computeFeatures(columns, CORE_V2, { timeframe: "15m" });
    const pipeline = new BarPipeline(CORE_V2, "15m", "15m", frozenPoints([]));
    let compared = 0;
    for (let i = 0; i < ROWS; i++) {
      const ready = (await pipeline.push(candleAt(columns, i)))[0]!;
      if (i < TRAINED_TO) continue;
      const live = answer(encoded, ready.features, FLAT);
      expect(live).toEqual(answer(encoded, values.slice(i * width, (i + 1) * width), FLAT));
      expect(live.logits).not.toEqual(answer(plain, ready.features, FLAT).logits);
      compared++;
    }
    expect(compared).toBe(ROWS - TRAINED_TO);
  });

  it("an artifact made before the reference existed loads, decides and records no score", async () => {
    const old = version(CORE_V1, { guarded: false });
    const spike = answer(old, (await lastReady(CORE_V1, 2_900, 1.04)).features, FLAT);
    expect(spike.forcedHold).toBeUndefined();
    expect(spike.action).not.toBeNull();
    expect("outOfDistribution" in spike).toBe(false);
  });

  it("a feed that training never saw leaves the answer as it was, bit for bit", async () => {
    const blind = version(CORE_V2, { guarded: true });
    const features = (await lastReady(CORE_V2, 2_900)).features!;
    const fed = features.slice();
    CORE_V2.columns.forEach(({ feed, kind }, i) => {
      if (feed === "basis" || feed === "news") fed[i] = kind.endsWith("Present") ? 1 : -3;
    });
    expect(fed).not.toEqual(features);
    const [without, withFeeds] = [answer(blind, features, FLAT), answer(blind, fed, FLAT)];
    expect(withFeeds.forcedHold).toBeUndefined();
    // -0 and 0 are one number to the network.
    const observed = ({ observation }: PolicyAnswer) => [...observation].map((value) => value + 0);
    expect(observed(withFeeds)).toEqual(observed(without));
    expect(withFeeds.probabilities).toEqual(without.probabilities);
  });

  it("a missing critical feature is held by name", async () => {
    const guarded = version(CORE_V2, { guarded: true });
    const features = (await lastReady(CORE_V2, 2_900)).features!.slice();
    features[CORE_V2.columns.findIndex(({ name }) => name === "h4Present")] = 0;
    const held = answer(guarded, features, FLAT);
    expect(held.action).toBeNull();
    expect(held.forcedHold).toBe("critical features are missing: h4Present");
  });
});
