import { networkLayers } from "../network";
import type { NetworkSpec } from "../types";
import { ArenaPlan } from "./instance";

/** A product of the network in the arena: all addresses and strides in bytes. */
export interface Layer {
  inputs: number;
  outputs: number;
  /** outputs rounded up to 4: the columns the kernel computes. */
  columns: number;
  /** From row to row of this layer's activations and gradients. */
  rowBytes: number;
  weights: number;
  bias: number;
  /** Of `weights` and `bias` in every parameter block: gradients and moments lie alike. */
  weightOffset: number;
  biasOffset: number;
  activation: number;
  gradient: number;
  transposed: number;
  tanh: boolean;
  /** The layer that it reads; undefined reads the observation. */
  below: Layer | undefined;
}

/** Columns [from, to) of a product's parameters, which are one layer of `networkLayers`. */
export interface PortablePart {
  layer: Layer;
  from: number;
  to: number;
}

export interface NetworkLayout {
  plan: ArenaPlan;
  /** In an order in which every layer comes after the one that it reads. */
  layers: Layer[];
  /** The order of `networkLayers`. */
  portable: PortablePart[];
  parameterFloats: number;
  parameters: number;
  moments: [number, number];
  /** Two doubles: the running powers of Adam's betas. */
  betaPowers: number;
  /** A parameter block per lane. */
  gradients: number[];
  stored: number;
  input: number;
  indices: number;
  outputs: number;
  outputGradient: number;
  outputColumns: number;
  valueColumn: number;
}

const padded = (n: number) => Math.ceil(n / 4) * 4;
/** One cache line more than the data, so that a column's rows do not all fall in the same cache sets. */
const strideFloats = (n: number) => (n % 16 === 0 ? n + 16 : padded(n));

/**
 * Where everything of a network lies. Weights, moments and stored observations are common to all lanes; each
 * lane has work areas of its own. Every lane computes the same plan and keeps the addresses of its own part.
 */
export function planNetwork(
  spec: NetworkSpec,
  options: { maxRows: number; training: boolean; storedRows: number; lanes: number; lane: number },
): NetworkLayout {
  const { maxRows, training, storedRows, lanes } = options;
  const products = productsOf(spec);
  const isSeparate = spec.trunk === "separate";
  const outputColumns = isSeparate ? padded(spec.actionCount) + 4 : padded(spec.actionCount + 1);
  const parameterFloats = products.reduce((sum, p) => sum + (p.inputs + 1) * padded(p.outputs), 0);

  const plan = new ArenaPlan();
  const parameters = plan.reserve(parameterFloats);
  const blocks = (count: number) => Array.from({ length: count }, () => plan.reserve(parameterFloats));
  const gradients = blocks(training ? lanes : 0);
  const [moment1 = 0, moment2 = 0] = blocks(training ? 2 : 0);
  const betaPowers = plan.reserve(4);
  const stored = plan.reserve(storedRows * spec.observationSize);

  const reserveLane = () => {
    const outputs = plan.reserve(maxRows * outputColumns);
    const outputGradient = training ? plan.reserve(maxRows * outputColumns) : 0;
    const layers: Layer[] = [];
    let offset = 0;
    let headColumn = 0;
    for (const { inputs, outputs: width, tanh, readsBelow } of products) {
      const columns = padded(width);
      const rowFloats = tanh ? strideFloats(columns) : outputColumns;
      const weightOffset = offset * 4;
      const biasOffset = (offset + inputs * columns) * 4;
      offset += (inputs + 1) * columns;
      layers.push({
        inputs,
        outputs: width,
        columns,
        rowBytes: rowFloats * 4,
        weights: parameters + weightOffset,
        bias: parameters + biasOffset,
        weightOffset,
        biasOffset,
        activation: tanh ? plan.reserve(maxRows * rowFloats) : outputs + headColumn * 4,
        gradient: training ? (tanh ? plan.reserve(maxRows * rowFloats) : outputGradient + headColumn * 4) : 0,
        transposed: training ? plan.reserve(width * padded(inputs)) : 0,
        tanh,
        below: readsBelow ? layers.at(-1) : undefined,
      });
      if (!tanh) headColumn += columns;
    }
    const input = plan.reserve(maxRows * spec.observationSize);
    return { outputs, outputGradient, layers, input, indices: plan.reserve(maxRows) };
  };
  const lane = Array.from({ length: lanes }, reserveLane)[options.lane]!;

  const whole = (layer: Layer): PortablePart => ({ layer, from: 0, to: layer.outputs });
  const head = lane.layers.at(-1)!;
  const portable = isSeparate
    ? lane.layers.map(whole)
    : [
        ...lane.layers.slice(0, -1).map(whole),
        { layer: head, from: 0, to: spec.actionCount },
        { layer: head, from: spec.actionCount, to: spec.actionCount + 1 },
      ];
  return {
    ...lane,
    plan,
    portable,
    parameterFloats,
    parameters,
    moments: [moment1, moment2],
    betaPowers,
    gradients,
    stored,
    outputColumns,
    valueColumn: isSeparate ? padded(spec.actionCount) : spec.actionCount,
  };
}

/** `networkLayers`, with the two heads of a shared trunk as one product. */
function productsOf(spec: NetworkSpec) {
  const shapes = networkLayers(spec).map(({ inputs, outputs, activation, from }) => ({
    inputs,
    outputs,
    tanh: activation === "tanh",
    readsBelow: from !== "observation",
  }));
  if (spec.trunk === "separate") return shapes;
  const value = shapes.pop()!;
  const policy = shapes.pop()!;
  return [...shapes, { ...policy, outputs: policy.outputs + value.outputs }];
}
