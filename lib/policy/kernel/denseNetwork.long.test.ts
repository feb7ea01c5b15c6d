import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { describe, expect, it } from "vitest";
import { createPrng } from "../../core/prng";
import { networkLayers, weightCount, weightsHeldAtZero } from "../network";
import type { NetworkSpec } from "../types";
import { DenseNetwork } from "./denseNetwork";
import {
  ENCODED,
  gradientError,
  observationRow,
  randomWeights,
  TEST_SHAPES as SHAPES,
} from "./reference.fixture";

/** Random weights, observations and gradients of the outputs. */
function fill(network: DenseNetwork, seed: number): void {
  network.setWeights(randomWeights(network.spec, seed));
  const prng = createPrng(seed);
  for (const numbers of [network.observations, network.outputGradient]) {
    for (let i = 0; i < numbers.length; i++) numbers[i] = prng.nextGaussian();
  }
}

describe("dense network kernel", () => {
  it("forward equals tfjs to 1e-6 over every tile remainder", () => {
    for (const spec of SHAPES) {
      const rows = 67;
      const weights = randomWeights(spec, 11);
      const network = new DenseNetwork(spec, { maxRows: rows, training: false });
      network.setWeights(weights);
      const prng = createPrng(5);
      for (let i = 0; i < network.observations.length; i++) network.observations[i] = prng.nextGaussian();
      network.forward(rows);
      let offset = 0;
      const observations = tf.stack(
        Array.from({ length: rows }, (_, r) => tf.tensor1d(observationRow(network, r).slice())),
      ) as tf.Tensor2D;
      const outputs = new Map<string, tf.Tensor2D>([["observation", observations]]);
      for (const l of networkLayers(spec)) {
        const end = offset + l.inputs * l.outputs;
        const kernel = tf.tensor2d(weights.slice(offset, end), [l.inputs, l.outputs]);
        const bias = weights.slice(end, end + l.outputs);
        const product = tf.add<tf.Tensor2D>(tf.matMul(outputs.get(l.from)!, kernel), bias);
        outputs.set(l.name, l.activation === "tanh" ? tf.tanh(product) : product);
        offset = end + l.outputs;
      }
      const expected = tf.concat2d([outputs.get("policy_logits")!, outputs.get("value")!], 1).dataSync();
      const width = spec.actionCount + 1;
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < width; c++) {
          const column = c < spec.actionCount ? c : network.valueColumn;
          const got = network.outputs[r * network.outputStride + column]!;
          const want = expected[r * width + c]!;
          expect(Math.abs(got - want)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(want)));
        }
      }
    }
  });

  it("a row has the same bits alone as at any place in a batch", () => {
    for (const spec of SHAPES) {
      const rows = 9;
      const weights = randomWeights(spec, 3);
      const batch = new DenseNetwork(spec, { maxRows: rows, training: false });
      const single = new DenseNetwork(spec, { maxRows: 1, training: false });
      batch.setWeights(weights);
      single.setWeights(weights);
      const prng = createPrng(9);
      for (let i = 0; i < batch.observations.length; i++) batch.observations[i] = 3 * prng.nextGaussian();
      batch.forward(rows);
      for (let r = 0; r < rows; r++) {
        single.observations.set(observationRow(batch, r));
        single.forward(1);
        const stride = batch.outputStride;
        expect(batch.outputs.slice(r * stride, (r + 1) * stride)).toEqual(single.outputs.slice());
      }
    }
  });

  it("backward equals float64 finite differences for every parameter", () => {
    for (const spec of SHAPES) {
      // 67 rows cross the 64-row chunk.
      const network = new DenseNetwork(spec, { maxRows: 67, training: true });
      expect(gradientError(network, 67, 21)).toBeLessThan(1e-5);
    }
  });

  it("backward of two parts, the second accumulated, equals backward of the whole to rounding", () => {
    const spec = SHAPES[3]!;
    const whole = new DenseNetwork(spec, { maxRows: 40, training: true });
    gradientError(whole, 40, 5);
    const parts = new DenseNetwork(spec, { maxRows: 40, training: true });
    parts.setWeights(whole.getWeights());
    for (const [from, to] of [
      [0, 17],
      [17, 40],
    ] as const) {
      const { observationStride: width } = whole;
      parts.observations.set(whole.observations.subarray(from * width, to * width));
      const { outputStride } = whole;
      parts.outputGradient.set(whole.outputGradient.subarray(from * outputStride, to * outputStride));
      parts.forward(to - from);
      parts.backward(to - from, from > 0);
    }
    const [one, two] = [whole.getGradients(), parts.getGradients()];
    const norm = Math.hypot(...one);
    for (let i = 0; i < one.length; i++) expect(Math.abs(one[i]! - two[i]!)).toBeLessThan(1e-6 * norm);
  });

  it("networks of one memory that share out its parts give the bits of one that does everything", () => {
    for (const spec of SHAPES) {
      for (const parts of [2, 3, 4]) {
        const options = { maxRows: 70, training: true, parts };
        const alone = new DenseNetwork(spec, options);
        fill(alone, 9);
        const first = new DenseNetwork(spec, options);
        const second = new DenseNetwork(spec, { ...options, memory: first.memory });
        first.setWeights(alone.getWeights());
        second.observations.set(alone.observations);
        first.outputGradient.set(alone.outputGradient);
        const owner = (part: number) => (part % 2 === 0 ? first : second);
        const all = Array.from({ length: parts }, (_, part) => part);
        const step = { learningRate: 0.01, maxGradientNorm: 0.5 };
        for (let t = 0; t < 3; t++) {
          alone.forward(70);
          alone.backward(70);
          const norm = alone.adamStep(step);
          for (const part of all) {
            const { from, to } = first.rowsOf(part, 70);
            owner(part).forwardPart(part, to - from, from);
            owner(part).backwardPart(part, to - from, from);
          }
          let squares = 0;
          for (const part of all) {
            owner(part).sumGradients(part, 70, false);
            squares += owner(part).gradientSquares(part);
          }
          expect(Math.sqrt(squares)).toBe(norm);
          second.advanceOptimiser();
          for (const part of all) owner(part).applyAdam(part, norm, step);
        }
        expect(second.getWeights()).toEqual(alone.getWeights());
        expect(first.outputs).toEqual(alone.outputs);
      }
    }
  });

  it("the number of parts changes a step by rounding only", () => {
    for (const spec of [SHAPES[0]!, ENCODED]) {
      const [one, three] = [1, 3].map((parts) => {
        const network = new DenseNetwork(spec, { maxRows: 24, training: true, parts });
        fill(network, 9);
        network.forward(24);
        network.backward(24);
        const norm = network.adamStep({ learningRate: 0.01, maxGradientNorm: 0.5 });
        return { norm, weights: network.getWeights() };
      }) as [{ norm: number; weights: Float32Array }, { norm: number; weights: Float32Array }];
      expect(three.norm).toBeCloseTo(one.norm, 10);
      for (const [i, weight] of one.weights.entries()) {
        expect(Math.abs(three.weights[i]! - weight)).toBeLessThan(1e-6);
      }
    }
  });

  it("weights between the encoders of two groups stay exactly zero under Adam with decay, all others move", () => {
    const network = new DenseNetwork(ENCODED, { maxRows: 67, training: true });
    gradientError(network, 67, 8);
    const before = network.getWeights();
    for (let t = 0; t < 20; t++) {
      network.forward(67);
      // In two parts, the second added to the gradient of the first.
      network.backward(40);
      network.backward(27, true);
      network.adamStep({ learningRate: 0.01, maxGradientNorm: 0.5, weightDecay: 0.1 });
    }
    const after = network.getWeights();
    const held = new Set(weightsHeldAtZero(ENCODED));
    expect(held.size).toBe((4 + 4 + 3) * 2 * 3);
    for (let i = 0; i < after.length; i++) {
      if (held.has(i)) expect(after[i]).toBe(0);
      else expect(after[i], `weight ${i}`).not.toBe(before[i]);
    }
  });

  it("Adam and AdamW equal their published formulas in float64 and clip by the global norm", () => {
    for (const weightDecay of [0, 0.1]) checkAdam(weightDecay);
  });

  function checkAdam(weightDecay: number): void {
    const spec = SHAPES[1]!;
    const network = new DenseNetwork(spec, { maxRows: 1, training: true });
    const weights = randomWeights(spec, 2);
    network.setWeights(weights);
    const w = Float64Array.from(weights);
    const m = new Float64Array(w.length);
    const v = new Float64Array(w.length);
    network.observations.fill(0.3);
    for (let t = 1; t <= 5; t++) {
      network.outputGradient.fill(0);
      network.outputGradient.set([2, -1, 0.5]);
      network.forward(1);
      network.backward(1);
      const g = network.getGradients();
      const norm = Math.sqrt(g.reduce((s, x) => s + x * x, 0));
      expect(network.adamStep({ learningRate: 0.01, maxGradientNorm: 0.5, weightDecay })).toBeCloseTo(
        norm,
        5,
      );
      const scale = Math.min(1, 0.5 / norm);
      for (let i = 0; i < w.length; i++) {
        const gi = g[i]! * scale;
        m[i] = 0.9 * m[i]! + 0.1 * gi;
        v[i] = 0.999 * v[i]! + 0.001 * gi * gi;
        w[i] =
          w[i]! * (1 - 0.01 * weightDecay) -
          (0.01 * (m[i]! / (1 - 0.9 ** t))) / (Math.sqrt(v[i]! / (1 - 0.999 ** t)) + 1e-5);
      }
      const got = network.getWeights();
      for (let i = 0; i < w.length; i++) expect(Math.abs(got[i]! - w[i]!)).toBeLessThan(2e-6);
    }
  }

  it("weights survive the padded layout unchanged, and optimiser state continues bit for bit", () => {
    for (const spec of [SHAPES[2]!, ENCODED]) checkContinues(spec);
  });

  function checkContinues(spec: NetworkSpec): void {
    const weights = randomWeights(spec, 4);
    expect(weights).toHaveLength(weightCount(spec));
    const step = (network: DenseNetwork) => {
      network.observations.fill(0.1);
      network.outputGradient.fill(0);
      network.outputGradient[0] = 1;
      network.forward(1);
      network.backward(1);
      network.adamStep({ learningRate: 0.01, maxGradientNorm: 1 });
    };
    const one = new DenseNetwork(spec, { maxRows: 1, training: true });
    one.setWeights(weights);
    expect(one.getWeights()).toEqual(weights);
    step(one);
    const two = new DenseNetwork(spec, { maxRows: 1, training: true });
    two.setWeights(one.getWeights());
    two.setOptimiserState(one.optimiserState());
    step(one);
    step(two);
    expect(two.getWeights()).toEqual(one.getWeights());
  }
});
