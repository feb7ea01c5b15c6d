import { checkWeights, weightsHeldAtZero } from "../network";
import type { NetworkSpec } from "../types";
import {
  baselineKernel,
  instantiateKernel,
  type KernelBuild,
  type KernelExports,
  MATMUL_START,
} from "./instance";
import { type NetworkLayout, planNetwork } from "./layout";

export interface DenseNetworkOptions {
  /** Largest batch of one forward or backward call. */
  maxRows: number;
  /** Reserves gradients and Adam moments; `backward` and `adamStep` need it. */
  training: boolean;
  /** Rows of `stored`, the observation store that `gather` reads; 0 for none. */
  storedRows?: number;
  /** The build to compute with; the baseline, which every replay uses, unless a trainer chooses another. */
  kernel?: KernelBuild;
  /**
   * Work areas over one set of weights, each for a part of every batch and possibly in a thread of its own;
   * 1 when absent. Gradients are added in the order of the lanes, so the number of threads changes no bit.
   */
  lanes?: number;
  /** Which of them this network works in; 0 when absent. */
  lane?: number;
  /** Memory of a network of the same spec, build, sizes and lanes, to work on together; else a new one. */
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
/** Rows of the batch summed before moving to the next weights, so that both operands stay in L1. */
export const ROW_CHUNK = 64;

/**
 * A policy network living in one WebAssembly memory. Write `observations`, call `forward(rows)`, read
 * `outputs`: row r holds the logits at r * outputStride and the value at r * outputStride + valueColumn.
 * For training also write `outputGradient` (same layout), call `backward(rows)` and `adamStep`.
 */
export class DenseNetwork {
  readonly observations: Float32Array;
  readonly outputs: Float32Array;
  readonly outputStride: number;
  readonly valueColumn: number;
  readonly outputGradient: Float32Array;
  readonly stored: Float32Array;
  readonly indices: Uint32Array;
  readonly memory: WebAssembly.Memory;
  readonly lanes: number;
  private readonly lane: number;
  private readonly kernel: KernelExports;
  private readonly layout: NetworkLayout;
  private readonly betaPowers: Float64Array;
  /** Where a gradient block holds the weights of `weightsHeldAtZero`. */
  private readonly held: number[] = [];

  constructor(
    readonly spec: NetworkSpec,
    options: DenseNetworkOptions,
  ) {
    const { maxRows, training, storedRows = 0, kernel = baselineKernel(), lanes = 1, lane = 0 } = options;
    const layout = planNetwork(spec, { maxRows, training, storedRows, lanes, lane });
    this.memory = options.memory ?? layout.plan.createMemory(kernel);
    this.kernel = instantiateKernel(kernel, this.memory);
    this.layout = layout;
    this.lanes = lanes;
    this.lane = lane;
    this.outputStride = layout.outputColumns;
    this.valueColumn = layout.valueColumn;
    const outputs = maxRows * layout.outputColumns;
    const { buffer } = this.memory;
    this.observations = new Float32Array(buffer, layout.input, maxRows * spec.observationSize);
    this.outputs = new Float32Array(buffer, layout.outputs, outputs);
    this.outputGradient = new Float32Array(buffer, layout.outputGradient, training ? outputs : 0);
    this.stored = new Float32Array(buffer, layout.stored, storedRows * spec.observationSize);
    this.indices = new Uint32Array(buffer, layout.indices, maxRows);
    this.betaPowers = new Float64Array(buffer, layout.betaPowers, 2);
    if (!options.memory) this.betaPowers.fill(1);
    const held = new Set(training ? weightsHeldAtZero(spec) : []);
    if (held.size > 0) {
      this.eachWeight(layout.parameters, (_, at, i) => {
        if (held.has(i)) this.held.push(at);
      });
    }
  }

  /** Copies stored rows indices[0 .. rows) into `observations`. */
  gather(rows: number): void {
    const { input, stored, indices } = this.layout;
    this.kernel.gatherRows(input, stored, this.spec.observationSize * 4, indices, rows);
  }

  /** Fills `outputs` for `observations`, or for stored rows from `storedFrom` on without copying them. */
  forward(rows: number, storedFrom?: number): void {
    const observationBytes = this.spec.observationSize * 4;
    const { input, stored, layers } = this.layout;
    const first = storedFrom === undefined ? input : stored + storedFrom * observationBytes;
    for (const l of layers) {
      // biome-ignore format: the operands read as matrices: C, A, B, then the mode and the sizes
      this.kernel.matmul(
        l.activation, l.rowBytes, l.below ? l.below.activation : first,
        l.below ? l.below.rowBytes : observationBytes, 4, l.weights, l.columns * 4, l.bias,
        MATMUL_START.bias, l.tanh ? 1 : 0, rows, l.columns, l.inputs,
      );
    }
  }

  /**
   * Gradients of sum(outputGradient * outputs) for the `observations` of the last `forward(rows)`. With
   * `accumulate` they are added to this lane's last gradients, which belong to the same weights.
   */
  backward(rows: number, accumulate = false): void {
    const k = this.kernel;
    const { layers, input: observations } = this.layout;
    const block = this.layout.gradients[this.lane]!;
    if (rows === 0 && !accumulate) this.block(block).fill(0);
    for (let i = layers.length - 1; i >= 0; i--) {
      const l = layers[i]!;
      const { below } = l;
      const input = below ? below.activation : observations;
      const inputBytes = below ? below.rowBytes : this.spec.observationSize * 4;
      const rowBytes = l.columns * 4;
      for (let from = 0; from < rows; from += ROW_CHUNK) {
        const depth = Math.min(ROW_CHUNK, rows - from);
        const start = from === 0 && !accumulate ? MATMUL_START.zero : MATMUL_START.present;
        const a = input + from * inputBytes;
        const b = l.gradient + from * l.rowBytes;
        // biome-ignore format: as above; A is the input transposed, so its strides are swapped
        k.matmul(
          block + l.weightOffset, rowBytes, a, 4, inputBytes, b, l.rowBytes, 0,
          start, 0, l.inputs, l.columns, depth,
        );
      }
      const biasStart = accumulate ? MATMUL_START.present : MATMUL_START.zero;
      k.sumRows(block + l.biasOffset, l.gradient, l.rowBytes, biasStart, rows, l.columns);
      if (below) {
        if (!accumulate)
          k.transpose(l.transposed, below.columns * 4, l.weights, rowBytes, l.inputs, l.outputs);
        // biome-ignore format: as above
        k.matmul(
          below.gradient, below.rowBytes, l.gradient, l.rowBytes, 4, l.transposed, below.columns * 4, 0,
          MATMUL_START.zero, 0, rows, below.columns, l.outputs,
        );
        k.tanhBackward(below.gradient, below.activation, rows * below.rowBytes);
      }
    }
  }

  /** One Adam step with the last gradients of all lanes; returns the global gradient norm before clipping. */
  adamStep(step: AdamStep): number {
    let squares = 0;
    for (let part = 0; part < this.lanes; part++) squares += this.reduceGradients(part);
    this.advanceOptimiser();
    for (let part = 0; part < this.lanes; part++) this.applyAdam(part, Math.sqrt(squares), step);
    return Math.sqrt(squares);
  }

  /**
   * Adds all lanes' gradients of one part of the parameters, of which there are as many as lanes; returns the
   * sum of squares. Weights held at zero get none, so that Adam, whose moments of them stay 0, never moves them.
   * `reduceGradients` of all parts, `advanceOptimiser` once, then `applyAdam` of all parts with the root of the sum
   * of all squares make an `adamStep` that several threads can share.
   */
  reduceGradients(part: number): number {
    const { from, bytes } = this.part(part);
    const [sum, ...others] = this.layout.gradients as [number, ...number[]];
    for (const block of others) this.kernel.addInto(sum + from, block + from, bytes);
    const gradient = this.block(sum);
    for (const at of this.held) if (at * 4 >= from && at * 4 < from + bytes) gradient[at] = 0;
    return this.kernel.sumSquares(sum + from, bytes);
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
    const { from, bytes } = this.part(part);
    const { parameters, gradients, moments } = this.layout;
    const scale = norm > maxGradientNorm ? maxGradientNorm / norm : 1;
    const [beta1Power, beta2Power] = this.betaPowers as unknown as [number, number];
    // biome-ignore format: addresses first, then the scalars
    this.kernel.adam(
      parameters + from, gradients[0]! + from, moments[0] + from, moments[1] + from, bytes,
      learningRate, BETA1, BETA2, epsilon, 1 / (1 - beta1Power), 1 / (1 - beta2Power), scale,
      learningRate * weightDecay,
    );
  }

  /** @throws PolicyError when `weights` has the wrong length or holds NaN or Infinity. */
  setWeights(weights: Float32Array): void {
    checkWeights(this.spec, weights);
    this.eachWeight(this.layout.parameters, (block, at, i) => {
      block[at] = weights[i]!;
    });
  }

  /** The parameters in the portable order of `networkLayers`. */
  getWeights(): Float32Array {
    return this.unpack(this.layout.parameters);
  }

  /** This lane's last gradients in the same order; after `reduceGradients` of all parts, lane 0 has their sum. */
  getGradients(): Float32Array {
    return this.unpack(this.layout.gradients[this.lane]!);
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

  private part(part: number): { from: number; bytes: number } {
    const bytes = this.layout.parameterFloats * 4;
    const each = Math.ceil(bytes / this.lanes / 64) * 64;
    const from = Math.min(part * each, bytes);
    return { from, bytes: Math.min(each, bytes - from) };
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
