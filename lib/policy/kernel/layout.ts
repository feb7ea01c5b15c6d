import { networkLayers } from "../network";
import type { NetworkSpec } from "../types";
import { ADAM_SETTINGS, ArenaPlan } from "./instance";

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
  /** The weights the other way round, row by row; only of layers that pass a gradient on to one below. */
  transposed: number;
  transposedRowBytes: number;
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

/** What a part adds up and moves of a layer: rows [from, to) of its block, of which row `inputs` is the bias. */
export interface PartRows {
  layer: Layer;
  from: number;
  to: number;
  /** The same rows in every parameter block. */
  offset: number;
  bytes: number;
}

/** One of the parts into which the training of a network is shared out. */
export interface Part {
  /** The layers that it takes its rows of a batch through: all of them, or those of one of two separate trunks. */
  layers: Layer[];
  hasPolicy: boolean;
  hasValue: boolean;
  /** It has the share-th of `shares` equal shares of the rows and of its layers' parameters. */
  share: number;
  shares: number;
  parameters: PartRows[];
}

export interface NetworkLayout {
  plan: ArenaPlan;
  /** In an order in which every layer comes after the one that it reads. */
  layers: Layer[];
  /** The order of `networkLayers`. */
  portable: PortablePart[];
  parameterFloats: number;
  parameters: number;
  gradients: number;
  moments: [number, number];
  /** Two doubles: the running powers of Adam's betas. */
  betaPowers: number;
  /** ADAM_SETTINGS of each part. */
  adamSettings: number[];
  stored: number;
  input: number;
  inputFloats: number;
  indices: number;
  parts: Part[];
  outputs: number;
  outputGradient: number;
  outputColumns: number;
  valueColumn: number;
}

const padded = (n: number) => Math.ceil(n / 4) * 4;
/** One cache line more than the data, so that a column's rows do not all fall in the same cache sets. */
const strideFloats = (n: number) => (n % 16 === 0 ? n + 16 : padded(n));

/** Where everything of a network lies. All threads compute the same plan and share all of it. */
export function planNetwork(
  spec: NetworkSpec,
  options: { maxRows: number; training: boolean; storedRows: number; parts: number },
): NetworkLayout {
  const { maxRows, training, storedRows } = options;
  const products = productsOf(spec);
  const isSeparate = spec.trunk === "separate";
  const outputColumns = isSeparate ? padded(spec.actionCount) + 4 : padded(spec.actionCount + 1);
  const parameterFloats = products.reduce((sum, p) => sum + (p.inputs + 1) * padded(p.outputs), 0);
  const inputFloats = strideFloats(spec.observationSize);

  const plan = new ArenaPlan();
  const parameters = plan.reserve(parameterFloats);
  const [gradients = 0, moment1 = 0, moment2 = 0] = Array.from({ length: training ? 3 : 0 }, () =>
    plan.reserve(parameterFloats),
  );
  const betaPowers = plan.reserve(4);
  const adamSettings = Array.from({ length: options.parts }, () => plan.reserve(ADAM_SETTINGS.length));
  const stored = plan.reserve(storedRows * spec.observationSize);
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
      transposed: training && readsBelow ? plan.reserve(width * strideFloats(padded(inputs))) : 0,
      transposedRowBytes: strideFloats(padded(inputs)) * 4,
      tanh,
      below: readsBelow ? layers.at(-1) : undefined,
    });
    if (!tanh) headColumn += columns;
  }
  const input = plan.reserve(maxRows * inputFloats);
  const indices = plan.reserve(maxRows);

  const whole = (layer: Layer): PortablePart => ({ layer, from: 0, to: layer.outputs });
  const head = layers.at(-1)!;
  const portable = isSeparate
    ? layers.map(whole)
    : [
        ...layers.slice(0, -1).map(whole),
        { layer: head, from: 0, to: spec.actionCount },
        { layer: head, from: spec.actionCount, to: spec.actionCount + 1 },
      ];
  return {
    ...{ plan, layers, portable, parameterFloats, parameters, gradients, moments: [moment1, moment2] },
    ...{
      betaPowers,
      adamSettings,
      stored,
      input,
      inputFloats,
      indices,
      outputs,
      outputGradient,
      outputColumns,
    },
    valueColumn: isSeparate ? padded(spec.actionCount) : spec.actionCount,
    parts: partsOf(layers, spec, options.parts),
  };
}

/**
 * Two trunks that share nothing are best worked on side by side: they have only the gradient's norm to tell each
 * other. Else every part is a share of the rows and of the rows of every layer's parameters.
 */
function partsOf(layers: Layer[], spec: NetworkSpec, count: number): Part[] {
  const valueAt = layers.findIndex(({ tanh }) => !tanh) + 1;
  const bySide = spec.trunk === "separate" && count % 2 === 0;
  const shares = bySide ? count / 2 : count;
  return Array.from({ length: count }, (_, part) => {
    const isPolicy = part % 2 === 0;
    const own = !bySide ? layers : isPolicy ? layers.slice(0, valueAt) : layers.slice(valueAt);
    const share = bySide ? Math.floor(part / 2) : part;
    return {
      ...{ layers: own, hasPolicy: !bySide || isPolicy, hasValue: !bySide || !isPolicy, share, shares },
      parameters: own.map((layer) => shareOf(layer, share, shares)),
    };
  });
}

function shareOf(layer: Layer, share: number, shares: number): PartRows {
  const rows = layer.inputs + 1;
  // Blocks of four rows are what the kernel transposes at once.
  const start = (n: number) => Math.min(rows, n === shares ? rows : padded(Math.floor((n * rows) / shares)));
  const [from, to] = [start(share), start(share + 1)];
  const rowBytes = layer.columns * 4;
  return { layer, from, to, offset: layer.weightOffset + from * rowBytes, bytes: (to - from) * rowBytes };
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
