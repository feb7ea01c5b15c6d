import type { Prng } from "../core/prng";
import { PolicyError } from "./errors";
import type { NetworkSpec } from "./types";

/** One dense layer; the two heads are layers of their own here and share one product in the kernel. */
export interface LayerShape {
  name: string;
  /** Name of the layer that it reads; "observation" for the first of a trunk. */
  from: string;
  inputs: number;
  outputs: number;
  activation: "tanh" | "linear";
}

/**
 * The layers in the order in which `weights` holds them: hidden layers from the observation up, then
 * `policy_logits`, then the hidden layers of a separate value trunk, then `value`. Each layer is its kernel
 * [inputs x outputs], row-major, then its bias.
 * @throws PolicyError NETWORK_SPEC_INVALID naming the field and its limit.
 */
export function networkLayers(spec: NetworkSpec): LayerShape[] {
  checkInteger("observationSize", spec.observationSize, 1, 4096);
  checkInteger("actionCount", spec.actionCount, 2, 64);
  checkInteger("hiddenSizes.length", spec.hiddenSizes.length, 1, 8);
  if (spec.activation !== "tanh") throw invalid(`activation must be "tanh", got ${String(spec.activation)}`);
  if (spec.trunk !== undefined && spec.trunk !== "separate") {
    throw invalid(`trunk must be "separate" or absent, got ${String(spec.trunk)}`);
  }
  const layers: LayerShape[] = [];
  const addTrunk = (prefix: string): { from: string; inputs: number } => {
    let from = "observation";
    let inputs = spec.observationSize;
    for (const [i, outputs] of spec.hiddenSizes.entries()) {
      checkInteger(`hiddenSizes[${i}]`, outputs, 1, 2048);
      layers.push({ name: `${prefix}dense_${i + 1}`, from, inputs, outputs, activation: "tanh" });
      from = `${prefix}dense_${i + 1}`;
      inputs = outputs;
    }
    return { from, inputs };
  };
  const policy = addTrunk("");
  layers.push({ name: "policy_logits", ...policy, outputs: spec.actionCount, activation: "linear" });
  const value = spec.trunk === "separate" ? addTrunk("value_") : policy;
  layers.push({ name: "value", ...value, outputs: 1, activation: "linear" });
  return layers;
}

/** Number of parameters, which is the length of `weights`. */
export function weightCount(spec: NetworkSpec): number {
  return networkLayers(spec).reduce((sum, layer) => sum + (layer.inputs + 1) * layer.outputs, 0);
}

/** @throws PolicyError when the length is wrong or a weight is NaN or infinite. */
export function checkWeights(spec: NetworkSpec, weights: Float32Array): void {
  const expected = weightCount(spec);
  if (weights.length !== expected) {
    throw new PolicyError(
      "WEIGHTS_SIZE_MISMATCH",
      `weights: the network needs ${expected} numbers, got ${weights.length}`,
    );
  }
  const bad = weights.findIndex((w) => !Number.isFinite(w));
  if (bad >= 0) {
    throw new PolicyError("WEIGHTS_NOT_FINITE", `weights[${bad}] is ${weights[bad]}; retrain or reload`);
  }
}

/**
 * Orthogonal initialisation (Saxe et al. 2014) with the gains usual for PPO (Engstrom et al. 2020):
 * sqrt(2) for hidden layers, 0.01 for the policy head so that the first policy is near uniform, 1 for the
 * value head; biases zero. The generator decides every number.
 */
export function initialWeights(spec: NetworkSpec, prng: Prng): Float32Array {
  const weights = new Float32Array(weightCount(spec));
  let offset = 0;
  for (const layer of networkLayers(spec)) {
    const gain = layer.name === "policy_logits" ? 0.01 : layer.name === "value" ? 1 : Math.sqrt(2);
    const kernel = orthogonal(layer.inputs, layer.outputs, prng);
    for (let i = 0; i < kernel.length; i++) weights[offset + i] = kernel[i]! * gain;
    offset += kernel.length + layer.outputs;
  }
  return weights;
}

/** Row-major rows x columns matrix whose shorter side's vectors are orthonormal (modified Gram-Schmidt). */
function orthogonal(rows: number, columns: number, prng: Prng): Float64Array {
  const count = Math.min(rows, columns);
  const length = Math.max(rows, columns);
  const vectors: Float64Array[] = [];
  while (vectors.length < count) {
    const v = Float64Array.from({ length }, () => prng.nextGaussian());
    for (const u of vectors) {
      let dot = 0;
      for (let i = 0; i < length; i++) dot += u[i]! * v[i]!;
      for (let i = 0; i < length; i++) v[i] = v[i]! - dot * u[i]!;
    }
    let square = 0;
    for (let i = 0; i < length; i++) square += v[i]! * v[i]!;
    // A draw that is almost in the span of the others would only carry rounding noise: draw again.
    if (square < 1e-12) continue;
    const scale = 1 / Math.sqrt(square);
    for (let i = 0; i < length; i++) v[i] = v[i]! * scale;
    vectors.push(v);
  }
  const out = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      out[r * columns + c] = rows <= columns ? vectors[r]![c]! : vectors[c]![r]!;
    }
  }
  return out;
}

function checkInteger(field: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw invalid(`${field} must be an integer in ${low} .. ${high}, got ${value}`);
  }
}

function invalid(message: string): PolicyError {
  return new PolicyError("NETWORK_SPEC_INVALID", `network: ${message}`);
}
