import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { loadLayersModel } from "@tensorflow/tfjs-layers";
import { describe, expect, it } from "vitest";
import { createPrng } from "../core/prng";
import { createPolicy } from "./decide";
import { randomWeights, TEST_SHAPES } from "./kernel/reference.fixture";
import { fromLayersModel, MODEL_FILE, toLayersModel, WEIGHTS_FILE } from "./layersModel";
import { initialWeights } from "./network";
import type { NetworkSpec } from "./types";

const SPEC: NetworkSpec = { observationSize: 30, hiddenSizes: [64, 48], actionCount: 3, activation: "tanh" };
const prng = createPrng(4);
const WEIGHTS = initialWeights(SPEC, prng).map((w) => w + 0.05 * prng.nextGaussian());

describe("LayersModel files", () => {
  it.each([
    ["a shared trunk", SPEC],
    ["separate trunks", { ...SPEC, trunk: "separate" as const }],
    ["an encoder", TEST_SHAPES[4]!],
    ["an encoder in each of separate trunks", TEST_SHAPES[5]!],
  ])("real tfjs-layers opens them and computes our logits and value to 1e-6, with %s", async (_, SPEC) => {
    const WEIGHTS = randomWeights(SPEC, 6);
    const files = toLayersModel(SPEC, WEIGHTS);
    const json = JSON.parse(new TextDecoder().decode(files.get(MODEL_FILE)));
    const model = await loadLayersModel(
      tf.io.fromMemory({
        modelTopology: json.modelTopology,
        weightSpecs: json.weightsManifest[0].weights,
        weightData: files.get(WEIGHTS_FILE)!.slice().buffer,
      }),
    );
    expect(model.outputNames).toEqual(["policy_logits", "value"]);
    const policy = createPolicy(SPEC, WEIGHTS);
    for (let i = 0; i < 40; i++) {
      const x = Float32Array.from({ length: SPEC.observationSize }, () => 2 * prng.nextGaussian());
      const [logits, value] = model.predict(tf.tensor2d(x, [1, x.length])) as tf.Tensor[];
      const ours = policy.decide(x);
      const theirs = [...logits!.dataSync(), ...value!.dataSync()];
      for (const [a, got] of [...ours.logits, ours.value].entries()) {
        expect(Math.abs(got - theirs[a]!)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(got)));
      }
    }
  });

  it("reading back gives the same network and the same bits", () => {
    for (const spec of [SPEC, ...TEST_SHAPES]) {
      const weights = randomWeights(spec, 2);
      expect(fromLayersModel(toLayersModel(spec, weights))).toEqual({ ok: true, value: { spec, weights } });
    }
  });

  it("a foreign topology, a short weight file or broken JSON is refused with a reason", () => {
    const files = toLayersModel(SPEC, WEIGHTS);
    const text = new TextDecoder().decode(files.get(MODEL_FILE));
    const withModel = (json: string) => new Map(files).set(MODEL_FILE, new TextEncoder().encode(json));
    expect(fromLayersModel(withModel(text.replace('"tanh"', '"relu"')))).toMatchObject({ ok: false });
    expect(fromLayersModel(withModel("{"))).toMatchObject({ ok: false });
    expect(fromLayersModel(withModel("{}"))).toMatchObject({ ok: false });
    const short = new Map(files).set(WEIGHTS_FILE, files.get(WEIGHTS_FILE)!.subarray(4));
    expect(fromLayersModel(short)).toMatchObject({ ok: false, error: expect.stringMatching(/weights/) });
  });
});
