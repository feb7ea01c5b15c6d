import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { describe, expect, it } from "vitest";
import { createPrng } from "../../core/prng";
import { initialWeights, networkLayers, weightCount } from "../network";
import type { NetworkSpec } from "../types";
import { DenseNetwork } from "./denseNetwork";

const SHAPES: NetworkSpec[] = [
  { observationSize: 30, hiddenSizes: [64, 64], actionCount: 3, activation: "tanh" },
  { observationSize: 7, hiddenSizes: [5], actionCount: 2, activation: "tanh" },
  { observationSize: 33, hiddenSizes: [20, 48, 13], actionCount: 5, activation: "tanh" },
];

function randomWeights(spec: NetworkSpec, seed: number): Float32Array {
  const prng = createPrng(seed);
  return initialWeights(spec, prng).map((w) => w + 0.1 * prng.nextGaussian());
}

/** The definition of the network in float64, written without regard to speed. */
function referenceForward(spec: NetworkSpec, weights: ArrayLike<number>, row: ArrayLike<number>): number[] {
  let offset = 0;
  let hidden = Array.from(row);
  const heads: number[] = [];
  for (const l of networkLayers(spec)) {
    const out = Array.from({ length: l.outputs }, (_, o) => {
      let sum = weights[offset + l.inputs * l.outputs + o]!;
      for (let i = 0; i < l.inputs; i++) sum += hidden[i]! * weights[offset + i * l.outputs + o]!;
      return l.activation === "tanh" ? Math.tanh(sum) : sum;
    });
    offset += (l.inputs + 1) * l.outputs;
    if (l.activation === "tanh") hidden = out;
    else heads.push(...out);
  }
  return heads;
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
      let hidden = tf.tensor2d(network.observations.slice(), [rows, spec.observationSize]);
      const heads: tf.Tensor2D[] = [];
      for (const l of networkLayers(spec)) {
        const end = offset + l.inputs * l.outputs;
        const kernel = tf.tensor2d(weights.slice(offset, end), [l.inputs, l.outputs]);
        const product = tf.add<tf.Tensor2D>(tf.matMul(hidden, kernel), weights.slice(end, end + l.outputs));
        if (l.activation === "tanh") hidden = tf.tanh(product);
        else heads.push(product);
        offset = end + l.outputs;
      }
      const expected = tf.concat2d(heads, 1).dataSync();
      const width = spec.actionCount + 1;
      for (let r = 0; r < rows; r++) {
        for (let c = 0; c < width; c++) {
          const got = network.outputs[r * network.outputStride + c]!;
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
        const { observationSize } = spec;
        single.observations.set(batch.observations.subarray(r * observationSize, (r + 1) * observationSize));
        single.forward(1);
        const stride = batch.outputStride;
        expect(batch.outputs.slice(r * stride, (r + 1) * stride)).toEqual(single.outputs.slice());
      }
    }
  });

  it("backward equals float64 finite differences for every parameter", () => {
    for (const spec of SHAPES) {
      const rows = 67; // crosses the 64-row chunk
      const weights = randomWeights(spec, 21);
      const network = new DenseNetwork(spec, { maxRows: rows, training: true });
      network.setWeights(weights);
      const prng = createPrng(8);
      for (let i = 0; i < network.observations.length; i++) network.observations[i] = prng.nextGaussian();
      const width = spec.actionCount + 1;
      const direction = Float32Array.from({ length: rows * width }, () => prng.nextGaussian());
      for (let r = 0; r < rows; r++) {
        network.outputGradient.set(direction.subarray(r * width, (r + 1) * width), r * network.outputStride);
      }
      network.forward(rows);
      network.backward(rows);
      const gradient = network.getGradients();
      const observations = network.observations;
      const objective = (w: Float64Array) => {
        let sum = 0;
        for (let r = 0; r < rows; r++) {
          const row = observations.subarray(r * spec.observationSize, (r + 1) * spec.observationSize);
          referenceForward(spec, w, row).forEach((y, c) => {
            sum += y * direction[r * width + c]!;
          });
        }
        return sum;
      };
      const w = Float64Array.from(weights);
      const norm = Math.sqrt(gradient.reduce((s, g) => s + g * g, 0));
      const stride = Math.max(1, Math.floor(w.length / 150));
      for (let i = 0; i < w.length; i += stride) {
        const h = 1e-5;
        const centre = w[i]!;
        w[i] = centre + h;
        const above = objective(w);
        w[i] = centre - h;
        const below = objective(w);
        w[i] = centre;
        expect(Math.abs((above - below) / (2 * h) - gradient[i]!)).toBeLessThan(1e-5 * norm);
      }
    }
  });

  it("Adam equals its published formula in float64 and clips by the global norm", () => {
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
      expect(network.adamStep({ learningRate: 0.01, maxGradientNorm: 0.5 })).toBeCloseTo(norm, 5);
      const scale = Math.min(1, 0.5 / norm);
      for (let i = 0; i < w.length; i++) {
        const gi = g[i]! * scale;
        m[i] = 0.9 * m[i]! + 0.1 * gi;
        v[i] = 0.999 * v[i]! + 0.001 * gi * gi;
        w[i] = w[i]! - (0.01 * (m[i]! / (1 - 0.9 ** t))) / (Math.sqrt(v[i]! / (1 - 0.999 ** t)) + 1e-5);
      }
      const got = network.getWeights();
      for (let i = 0; i < w.length; i++) expect(Math.abs(got[i]! - w[i]!)).toBeLessThan(2e-6);
    }
  });

  it("weights survive the padded layout unchanged, and optimiser state continues bit for bit", () => {
    const spec = SHAPES[2]!;
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
  });
});
