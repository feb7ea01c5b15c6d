import type { Prng } from "../core/prng";
import { PolicyError } from "./errors";
import type { EncoderGroup, EncoderSpec, NetworkSpec } from "./types";

/** One dense layer; the two heads are layers of their own here and share one product in the kernel. */
export interface LayerShape {
  name: string;
  /** Name of the layer that it reads; "observation" for the first of a trunk. */
  from: string;
  inputs: number;
  outputs: number;
  activation: "tanh" | "linear";
  /** Of an encoder: each group's columns feed that group's equal share of the outputs only, in this order. */
  groups?: EncoderGroup[];
}

/**
 * The layers in the order in which `weights` holds them: encoder and fusion if any, hidden layers up, then
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
  const { encoder } = spec;
  if (encoder !== undefined) checkEncoder(encoder, spec.observationSize);
  const layers: LayerShape[] = [];
  const addTrunk = (prefix: string): { from: string; inputs: number } => {
    let from = "observation";
    let inputs = spec.observationSize;
    const add = (name: string, outputs: number, groups?: EncoderGroup[]) => {
      const layer: LayerShape = { name: prefix + name, from, inputs, outputs, activation: "tanh" };
      layers.push(groups === undefined ? layer : { ...layer, groups });
      from = layer.name;
      inputs = outputs;
    };
    if (encoder !== undefined) {
      add("encoder", encoder.groups.length * encoder.units, encoder.groups);
      add("fusion", encoder.fusionUnits);
    }
    for (const [i, outputs] of spec.hiddenSizes.entries()) {
      checkInteger(`hiddenSizes[${i}]`, outputs, 1, 2048);
      add(`dense_${i + 1}`, outputs);
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

/** Width of the fusion layer where nobody chose one: ceil(sqrt(Z)) for Z outputs of all encoders. */
export function defaultFusionUnits(groups: number, units: number): number {
  return Math.ceil(Math.sqrt(groups * units));
}

/** Positions in `weights` that join a column to the encoder of another group, ascending; they are always 0. */
export function weightsHeldAtZero(spec: NetworkSpec): number[] {
  const held: number[] = [];
  let offset = 0;
  for (const { inputs, outputs, groups } of networkLayers(spec)) {
    const groupOf = new Map(groups?.flatMap(({ columns }, g) => columns.map((column) => [column, g])));
    const units = outputs / (groups?.length ?? 1);
    for (const [column, group] of [...groupOf].sort(([a], [b]) => a - b)) {
      for (let o = 0; o < outputs; o++) {
        if (Math.floor(o / units) !== group) held.push(offset + column * outputs + o);
      }
    }
    offset += (inputs + 1) * outputs;
  }
  return held;
}

/** @throws PolicyError when the length is wrong, or a weight is NaN, infinite, or not 0 where it has to be. */
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
  const leak = weightsHeldAtZero(spec).find((at) => weights[at] !== 0);
  if (leak !== undefined) {
    throw new PolicyError(
      "WEIGHTS_NOT_ZERO",
      `weights[${leak}] is ${weights[leak]}, but joins a column to the encoder of another group and must be 0; ` +
        "retrain or reload",
    );
  }
}

/**
 * Orthogonal initialisation (Saxe et al. 2014) with the gains usual for PPO (Engstrom et al. 2020):
 * sqrt(2) for hidden layers, 0.01 for the policy head so that the first policy is near uniform, 1 for the
 * value head; biases zero. An encoder is initialised group by group, each as a layer of its own. The generator
 * decides every number.
 */
export function initialWeights(spec: NetworkSpec, prng: Prng): Float32Array {
  const weights = new Float32Array(weightCount(spec));
  let offset = 0;
  for (const layer of networkLayers(spec)) {
    const gain = layer.name === "policy_logits" ? 0.01 : layer.name === "value" ? 1 : Math.sqrt(2);
    const { inputs, outputs, groups = [{ columns: [...Array(inputs).keys()] }] } = layer;
    const units = outputs / groups.length;
    for (const [g, { columns }] of groups.entries()) {
      const kernel = orthogonal(columns.length, units, prng);
      for (const [row, column] of columns.entries()) {
        const at = offset + column * outputs + g * units;
        for (let unit = 0; unit < units; unit++) weights[at + unit] = kernel[row * units + unit]! * gain;
      }
    }
    offset += (inputs + 1) * outputs;
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

function checkEncoder({ groups, units, fusionUnits }: EncoderSpec, observationSize: number): void {
  checkInteger("encoder.units", units, 1, 256);
  checkInteger("encoder.fusionUnits", fusionUnits, 1, 2048);
  checkInteger("encoder.groups.length", groups.length, 2, 64);
  const groupOf = new Map<number, string>();
  for (const { name, columns } of groups) {
    if (typeof name !== "string" || name === "" || columns.length === 0) {
      throw invalid(
        `encoder.groups must have names and columns, got "${name}" with ${columns.length} columns`,
      );
    }
    for (const column of columns) {
      checkInteger(`encoder group "${name}": column`, column, 0, observationSize - 1);
      const other = groupOf.get(column);
      if (other !== undefined) throw invalid(`encoder: column ${column} is in "${other}" and in "${name}"`);
      groupOf.set(column, name);
    }
  }
  if (new Set(groups.map(({ name }) => name)).size < groups.length) {
    throw invalid("encoder.groups must have different names");
  }
  if (groupOf.size < observationSize) {
    const missing = Array.from({ length: observationSize }, (_, i) => i).find((i) => !groupOf.has(i));
    throw invalid(`encoder: column ${missing} is in no group; every observation column needs one`);
  }
}

function checkInteger(field: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw invalid(`${field} must be an integer in ${low} .. ${high}, got ${value}`);
  }
}

function invalid(message: string): PolicyError {
  return new PolicyError("NETWORK_SPEC_INVALID", `network: ${message}`);
}
