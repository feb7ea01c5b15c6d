import { checkWeights, weightsHeldAtZero } from "../network";
import type { NetworkSpec } from "../types";
import {
  ADAM_SETTINGS,
  baselineKernel,
  instantiateKernel,
  type KernelBuild,
  type KernelExports,
  MATMUL_START,
} from "./instance";
import { type Layer, type NetworkLayout, type Part, planNetwork } from "./layout";

export interface DenseNetworkOptions {
  /** Rows there is room for: the largest batch of one forward or backward call. */
  maxRows: number;
  /** Reserves gradients and Adam moments; `backward` and `adamStep` need it. */
  training: boolean;
  /** Rows of `stored`, the observation store that `gather` reads; 0 for none. */
  storedRows?: number;
  /** The build to compute with; the baseline, which every replay uses, unless a trainer chooses another. */
  kernel?: KernelBuild;
  /**
   * Parts into which rows and parameters are shared out, to be worked on side by side by threads; 1 when absent. The
   * gradient's norm is summed part by part, so their number decides bits, and the number of threads none.
   */
  parts?: number;
  /** Memory of a network of the same spec, build, sizes and parts, to work on together; else a new one. */
  memory?: WebAssembly.Memory;
}

export interface AdamStep {
  learningRate: number;
  /** Global gradient norm above which the gradient is scaled down to it. */
  maxGradientNorm: number;
  /** Decoupled weight decay (AdamW); 0 when absent. */
  weightDecay?: number;
  /** Added to the root of the second moment; 1e-5 as in the PPO of OpenAI baselines when absent. */
  epsilon?: number;
}

/** Adam's moments in the arena's padded layout, and the running powers of its two betas. */
export interface OptimiserState {
  moment1: Float32Array;
  moment2: Float32Array;
  beta1Power: number;
  beta2Power: number;
}

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-5;
/** Rows of the batch summed before moving to the next weights, so that both operands stay in the cache. */
export const ROW_CHUNK = 64;

/**
 * A policy network living in one WebAssembly memory. Write `observations` (row r at r * observationStride), call
 * `forward(rows)`, read `outputs`: row r holds the logits at r * outputStride and the value at
 * r * outputStride + valueColumn. For training also write `outputGradient` (same layout), call `backward(rows)`
 * and `adamStep`.
 *
 * Networks of several threads can work on one memory. They share out its `parts`, and meet whenever one needs what
 * others wrote: observations before `forwardPart`, all rows before `sumGradients`, all squares before `applyAdam`, all
 * parameters before the next forward. No bit depends on who does which.
 */
export class DenseNetwork {
  readonly observations: Float32Array;
  readonly observationStride: number;
  readonly outputs: Float32Array;
  readonly outputStride: number;
  readonly valueColumn: number;
  readonly outputGradient: Float32Array;
  readonly stored: Float32Array;
  readonly indices: Uint32Array;
  readonly memory: WebAssembly.Memory;
  readonly parts: readonly Part[];
  private readonly kernel: KernelExports;
  private readonly layout: NetworkLayout;
  private readonly betaPowers: Float64Array;
  private readonly gradientBlock: Float32Array;
  private readonly adamSettings: Float32Array[];
  /** Per part: where a gradient block holds the weights of `weightsHeldAtZero`. */
  private readonly held: number[][];

  constructor(
    readonly spec: NetworkSpec,
    options: DenseNetworkOptions,
  ) {
    const { maxRows, training, storedRows = 0, kernel = baselineKernel(), parts = 1 } = options;
    const layout = planNetwork(spec, { maxRows, training, storedRows, parts });
    this.memory = options.memory ?? layout.plan.createMemory(kernel);
    this.kernel = instantiateKernel(kernel, this.memory);
    this.layout = layout;
    this.parts = layout.parts;
    this.gradientBlock = this.block(training ? layout.gradients : layout.parameters);
    this.outputStride = layout.outputColumns;
    this.valueColumn = layout.valueColumn;
    const outputs = maxRows * layout.outputColumns;
    const { buffer } = this.memory;
    this.observations = new Float32Array(buffer, layout.input, maxRows * layout.inputFloats);
    this.observationStride = layout.inputFloats;
    this.outputs = new Float32Array(buffer, layout.outputs, outputs);
    this.outputGradient = new Float32Array(buffer, layout.outputGradient, training ? outputs : 0);
    this.stored = new Float32Array(buffer, layout.stored, storedRows * spec.observationSize);
    this.indices = new Uint32Array(buffer, layout.indices, maxRows);
    this.betaPowers = new Float64Array(buffer, layout.betaPowers, 2);
    if (!options.memory) this.betaPowers.fill(1);
    this.adamSettings = layout.adamSettings.map((at) => new Float32Array(buffer, at, ADAM_SETTINGS.length));
    this.held = layout.parts.map(() => []);
    const held = new Set(training ? weightsHeldAtZero(spec) : []);
    if (held.size > 0) {
      this.eachWeight(layout.parameters, (_, at, i) => {
        const part = layout.parts.findIndex(({ parameters }) =>
          parameters.some(({ offset, bytes }) => at * 4 >= offset && at * 4 < offset + bytes),
        );
        if (held.has(i)) this.held[part]!.push(at);
      });
    }
  }

  /** The rows of a batch that a part takes through its layers. */
  rowsOf(part: number, rows: number): { from: number; to: number } {
    const { share, shares } = this.parts[part]!;
    return { from: Math.floor((share * rows) / shares), to: Math.floor(((share + 1) * rows) / shares) };
  }

  /** Copies stored rows indices[from .. from + rows) into rows [from, from + rows) of `observations`. */
  gather(rows: number, from = 0): void {
    const { input, stored, indices, inputFloats } = this.layout;
    // biome-ignore format: target, source, rows
    this.kernel.gatherRows(
      input + from * inputFloats * 4, inputFloats * 4, stored, this.spec.observationSize * 4,
      indices + from * 4, rows,
    );
  }

  /**
   * Fills rows [from, from + rows) of `outputs` for the same rows of `observations`, or for stored rows from
   * `storedFrom` on without copying them.
   */
  forward(rows: number, from = 0, storedFrom?: number): void {
    this.forwardLayers(this.layout.layers, rows, from, storedFrom);
  }

  /** `forward` through the layers of one part. */
  forwardPart(part: number, rows: number, from: number): void {
    this.forwardLayers(this.parts[part]!.layers, rows, from);
  }

  private forwardLayers(layers: Layer[], rows: number, from: number, storedFrom?: number): void {
    const isStored = storedFrom !== undefined;
    const { input, stored, inputFloats } = this.layout;
    const observationBytes = (isStored ? this.spec.observationSize : inputFloats) * 4;
    const first = isStored ? stored + storedFrom * observationBytes : input + from * observationBytes;
    for (const l of layers) {
      // biome-ignore format: the operands read as matrices: C, A, B, then the mode and the sizes
      this.kernel.matmul(
        l.activation + from * l.rowBytes, l.rowBytes,
        l.below ? l.below.activation + from * l.below.rowBytes : first,
        l.below ? l.below.rowBytes : observationBytes, 4, l.weights, l.columns * 4, l.bias,
        MATMUL_START.bias, l.tanh ? 1 : 0, rows, l.columns, l.inputs,
      );
    }
  }

  /**
   * Gradients of sum(outputGradient * outputs) for the `observations` of the last `forward(rows)`. With
   * `accumulate` they are added to the last gradients, which belong to the same weights.
   */
  backward(rows: number, accumulate = false): void {
    this.backwardLayers(this.layout.layers, rows, 0);
    for (let part = 0; part < this.parts.length; part++) this.sumGradients(part, rows, accumulate);
  }

  /** The first half of `backward`, for one part's layers and some rows: what every layer's outputs should change by. */
  backwardPart(part: number, rows: number, from: number): void {
    this.backwardLayers(this.parts[part]!.layers, rows, from);
  }

  private backwardLayers(layers: Layer[], rows: number, from: number): void {
    for (let i = layers.length - 1; i >= 0; i--) {
      const l = layers[i]!;
      const { below } = l;
      if (!below) continue;
      const gradient = below.gradient + from * below.rowBytes;
      // biome-ignore format: as above
      this.kernel.matmul(
        gradient, below.rowBytes, l.gradient + from * l.rowBytes, l.rowBytes, 4,
        l.transposed, l.transposedRowBytes, 0, MATMUL_START.zero, 0, rows, below.columns, l.outputs,
      );
      this.kernel.tanhBackward(gradient, below.activation + from * below.rowBytes, rows * below.rowBytes);
    }
  }

  /**
   * The second half, for one part's parameters: their gradients summed over rows [0, rows), all of which are
   * through `backwardPart`. Weights held at zero get none, so that Adam, whose moments of them stay 0, never moves
   * them.
   */
  sumGradients(part: number, rows: number, accumulate: boolean): void {
    const { gradients, input: observations, inputFloats } = this.layout;
    for (const { layer: l, from, to, offset } of this.parts[part]!.parameters) {
      const input = l.below ? l.below.activation : observations;
      const inputBytes = l.below ? l.below.rowBytes : inputFloats * 4;
      const inputs = Math.min(to, l.inputs) - from;
      for (let row = 0; row < rows && inputs > 0; row += ROW_CHUNK) {
        // biome-ignore format: as above; A is the input transposed, so its strides are swapped
        this.kernel.matmul(
          gradients + offset, l.columns * 4, input + row * inputBytes + from * 4, 4, inputBytes,
          l.gradient + row * l.rowBytes, l.rowBytes, 0,
          row === 0 && !accumulate ? MATMUL_START.zero : MATMUL_START.present, 0,
          inputs, l.columns, Math.min(ROW_CHUNK, rows - row),
        );
      }
      if (to > l.inputs) {
        const start = accumulate ? MATMUL_START.present : MATMUL_START.zero;
        this.kernel.sumRows(gradients + l.biasOffset, l.gradient, l.rowBytes, start, rows, l.columns);
      }
    }
    for (const at of this.held[part]!) this.gradientBlock[at] = 0;
  }

  /** One Adam step with the last gradients; returns the global gradient norm before clipping. */
  adamStep(step: AdamStep): number {
    let squares = 0;
    for (let part = 0; part < this.parts.length; part++) squares += this.gradientSquares(part);
    this.advanceOptimiser();
    for (let part = 0; part < this.parts.length; part++) this.applyAdam(part, Math.sqrt(squares), step);
    return Math.sqrt(squares);
  }

  /**
   * Sum of squares of one part's gradients. `gradientSquares` of all parts, `advanceOptimiser` once, then `applyAdam`
   * of all parts with the root of the sum of all squares make an `adamStep` that several threads can share.
   */
  gradientSquares(part: number): number {
    const { gradients } = this.layout;
    let squares = 0;
    for (const { offset, bytes } of this.parts[part]!.parameters)
      squares += this.kernel.sumSquares(gradients + offset, bytes);
    return squares;
  }

  advanceOptimiser(): void {
    this.betaPowers[0]! *= BETA1;
    this.betaPowers[1]! *= BETA2;
  }

  applyAdam(
    part: number,
    norm: number,
    { learningRate, maxGradientNorm, weightDecay = 0, epsilon = EPSILON }: AdamStep,
  ) {
    const { parameters, gradients, moments, adamSettings } = this.layout;
    const [beta1Power, beta2Power] = this.betaPowers as unknown as [number, number];
    const settings: Record<(typeof ADAM_SETTINGS)[number], number> = {
      gradientScale: norm > maxGradientNorm ? maxGradientNorm / norm : 1,
      beta1: BETA1,
      oneMinusBeta1: 1 - BETA1,
      beta2: BETA2,
      oneMinusBeta2: 1 - BETA2,
      rate: learningRate / (1 - beta1Power),
      rootCorrection2: Math.sqrt(1 / (1 - beta2Power)),
      epsilon,
      keepWeight: 1 - learningRate * weightDecay,
    };
    for (const [i, name] of ADAM_SETTINGS.entries()) this.adamSettings[part]![i] = settings[name];
    for (const { layer, from, to, offset, bytes } of this.parts[part]!.parameters) {
      // biome-ignore format: addresses first
      this.kernel.adam(
        parameters + offset, gradients + offset, moments[0] + offset, moments[1] + offset, bytes,
        adamSettings[part]!,
      );
      this.transpose(layer, from, to);
    }
  }

  /** Brings the other way round of rows [from, to) up to date, which `backwardRows` multiplies with. */
  private transpose(layer: Layer, from: number, to: number): void {
    const { transposed, transposedRowBytes, weights, columns, inputs, outputs } = layer;
    const rows = Math.min(to, inputs) - from;
    if (transposed === 0 || rows <= 0) return;
    // biome-ignore format: target, source, sizes
    this.kernel.transpose(
      transposed + from * 4, transposedRowBytes, weights + from * columns * 4, columns * 4, rows, outputs,
    );
  }

  /** @throws PolicyError when `weights` has the wrong length or holds NaN or Infinity. */
  setWeights(weights: Float32Array): void {
    checkWeights(this.spec, weights);
    this.eachWeight(this.layout.parameters, (block, at, i) => {
      block[at] = weights[i]!;
    });
    for (const layer of this.layout.layers) this.transpose(layer, 0, layer.inputs);
  }

  /** The parameters in the portable order of `networkLayers`. */
  getWeights(): Float32Array {
    return this.unpack(this.layout.parameters);
  }

  /** The last gradients in the same order. */
  getGradients(): Float32Array {
    return this.unpack(this.layout.gradients);
  }

  optimiserState(): OptimiserState {
    const [moment1, moment2] = this.layout.moments.map((at) => this.block(at).slice());
    const [beta1Power, beta2Power] = this.betaPowers as unknown as [number, number];
    return { moment1: moment1!, moment2: moment2!, beta1Power, beta2Power };
  }

  setOptimiserState(state: OptimiserState): void {
    const [moment1, moment2] = this.layout.moments;
    this.block(moment1).set(state.moment1);
    this.block(moment2).set(state.moment2);
    this.betaPowers.set([state.beta1Power, state.beta2Power]);
  }

  private block(address: number): Float32Array {
    return new Float32Array(this.memory.buffer, address, this.layout.parameterFloats);
  }

  private unpack(address: number): Float32Array {
    const out: number[] = [];
    this.eachWeight(address, (block, at) => out.push(block[at]!));
    return Float32Array.from(out);
  }

  /** Visits a parameter block in portable order. */
  private eachWeight(address: number, visit: (block: Float32Array, at: number, i: number) => void): void {
    const block = this.block(address);
    let i = 0;
    for (const { layer, from, to } of this.layout.portable) {
      // Row `inputs` of the block is the bias.
      for (let r = 0; r <= layer.inputs; r++) {
        for (let c = from; c < to; c++) visit(block, layer.weightOffset / 4 + r * layer.columns + c, i++);
      }
    }
  }
}
