import { createPrng } from "../../core/prng";
import { initialWeights, networkLayers, weightsHeldAtZero } from "../network";
import type { EncoderSpec, NetworkSpec } from "../types";
import type { DenseNetwork } from "./denseNetwork";

/** Three groups of 11 columns that are not neighbours. */
const ENCODER: EncoderSpec = {
  groups: [
    { name: "1h", columns: [0, 3, 6, 9] },
    { name: "base", columns: [1, 2, 4, 10] },
    { name: "portfolio", columns: [5, 7, 8] },
  ],
  units: 3,
  fusionUnits: 5,
};

/** A network whose observation has 11 columns in three groups, each with its encoder. */
export const ENCODED: NetworkSpec = {
  observationSize: 11,
  hiddenSizes: [9],
  actionCount: 3,
  activation: "tanh",
  encoder: ENCODER,
};

/** Shapes that meet every remainder of the kernel's tiles, with one trunk and with two, with and without encoder. */
export const TEST_SHAPES: NetworkSpec[] = [
  { observationSize: 30, hiddenSizes: [64, 64], actionCount: 3, activation: "tanh" },
  { observationSize: 7, hiddenSizes: [5], actionCount: 2, activation: "tanh" },
  { observationSize: 33, hiddenSizes: [20, 48, 13], actionCount: 5, activation: "tanh" },
  { observationSize: 18, hiddenSizes: [22, 17], actionCount: 3, activation: "tanh", trunk: "separate" },
  ENCODED,
  { ...ENCODED, hiddenSizes: [8, 6], trunk: "separate" },
];

export function randomWeights(spec: NetworkSpec, seed: number): Float32Array {
  const prng = createPrng(seed);
  const weights = initialWeights(spec, prng).map((w) => w + 0.1 * prng.nextGaussian());
  for (const at of weightsHeldAtZero(spec)) weights[at] = 0;
  return weights;
}

/** Row r of the network's observations. */
export function observationRow(
  { observations, observationStride, spec }: DenseNetwork,
  r: number,
): Float32Array {
  return observations.subarray(r * observationStride, r * observationStride + spec.observationSize);
}

/** Test reference: the definition of the network in float64, written without regard to speed. */
export function referenceForward(
  spec: NetworkSpec,
  weights: ArrayLike<number>,
  row: ArrayLike<number>,
): number[] {
  let offset = 0;
  const outputs = new Map<string, number[]>([["observation", Array.from(row)]]);
  for (const l of networkLayers(spec)) {
    const input = outputs.get(l.from)!;
    const out = Array.from({ length: l.outputs }, (_, o) => {
      let sum = weights[offset + l.inputs * l.outputs + o]!;
      for (let i = 0; i < l.inputs; i++) sum += input[i]! * weights[offset + i * l.outputs + o]!;
      return l.activation === "tanh" ? Math.tanh(sum) : sum;
    });
    offset += (l.inputs + 1) * l.outputs;
    outputs.set(l.name, out);
  }
  return [...outputs.get("policy_logits")!, ...outputs.get("value")!];
}

/**
 * Largest difference between the network's gradients of a random linear objective and float64 finite
 * differences of `referenceForward`, over about 60 parameters, as a share of the gradient's norm. A weight held at
 * zero is no parameter, so its gradient has to be 0. Leaves the network with those weights, observations and
 * gradients.
 */
export function gradientError(network: DenseNetwork, rows: number, seed: number): number {
  const { spec } = network;
  const weights = randomWeights(spec, seed);
  network.setWeights(weights);
  const prng = createPrng(seed + 1);
  for (let i = 0; i < rows * network.observationStride; i++) network.observations[i] = prng.nextGaussian();
  const width = spec.actionCount + 1;
  const direction = Float32Array.from({ length: rows * width }, () => prng.nextGaussian());
  for (let r = 0; r < rows; r++) {
    const at = r * network.outputStride;
    network.outputGradient.set(direction.subarray(r * width, (r + 1) * width - 1), at);
    network.outputGradient[at + network.valueColumn] = direction[(r + 1) * width - 1]!;
  }
  network.forward(rows);
  network.backward(rows);
  const gradient = network.getGradients();
  const objective = (w: Float64Array) => {
    let sum = 0;
    for (let r = 0; r < rows; r++) {
      referenceForward(spec, w, observationRow(network, r)).forEach((y, c) => {
        sum += y * direction[r * width + c]!;
      });
    }
    return sum;
  };
  const w = Float64Array.from(weights);
  const norm = Math.sqrt(gradient.reduce((s, g) => s + g * g, 0));
  const stride = Math.max(1, Math.floor(w.length / 60));
  const h = 1e-5;
  let worst = 0;
  const held = new Set(weightsHeldAtZero(spec));
  for (const at of held) worst = Math.max(worst, Math.abs(gradient[at]!) / norm);
  for (let i = 0; i < w.length; i += stride) {
    if (held.has(i)) continue;
    const centre = w[i]!;
    w[i] = centre + h;
    const above = objective(w);
    w[i] = centre - h;
    const below = objective(w);
    w[i] = centre;
    worst = Math.max(worst, Math.abs((above - below) / (2 * h) - gradient[i]!) / norm);
  }
  return worst;
}
