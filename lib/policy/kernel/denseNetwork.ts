import { checkWeights, networkLayers } from "../network";
import type { NetworkSpec } from "../types";
import { ArenaPlan, type KernelExports, MATMUL_START } from "./instance";

export interface DenseNetworkOptions {
  /** Largest batch of one forward or backward call. */
  maxRows: number;
  /** Reserves gradients and Adam moments; `backward` and `adamStep` need it. */
  training: boolean;
  /** Rows of `stored`, the observation store that `gather` reads; 0 for none. */
  storedRows?: number;
}

export interface AdamStep {
  learningRate: number;
  /** Global gradient norm above which the gradient is scaled down to it. */
  maxGradientNorm: number;
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
/** 1e-5 as in the PPO of OpenAI baselines. */
const EPSILON = 1e-5;
/** Rows of the batch summed before moving to the next weights, so that both operands stay in L1. */
const ROW_CHUNK = 64;

interface Layer {
  inputs: number;
  outputs: number;
  /** outputs rounded up to 4: the columns the kernel computes. */
  columns: number;
  /** Bytes from row to row of this layer's activations and gradients. */
  rowBytes: number;
  weights: number;
  bias: number;
  weightGradient: number;
  biasGradient: number;
  activation: number;
  gradient: number;
  transposed: number;
  tanh: boolean;
}

const padded = (n: number) => Math.ceil(n / 4) * 4;
/** One cache line more than the data, so that a column's rows do not all fall in the same cache sets. */
const strideFloats = (n: number) => (n % 16 === 0 ? n + 16 : padded(n));

/**
 * A policy network living in one WebAssembly memory. Write `observations`, call `forward(rows)`, read
 * `outputs`: row r holds the logits at r * outputStride and the value right after them.
 * For training also write `outputGradient` (same layout), call `backward(rows)` and `adamStep`.
 */
export class DenseNetwork {
  readonly observations: Float32Array;
  readonly outputs: Float32Array;
  readonly outputStride: number;
  readonly outputGradient: Float32Array;
  readonly stored: Float32Array;
  readonly indices: Uint32Array;
  private readonly kernel: KernelExports;
  private readonly buffer: ArrayBuffer;
  private readonly layers: Layer[];
  private readonly inputAddress: number;
  private readonly storedAddress: number;
  private readonly indexAddress: number;
  private readonly parameterAddress: number;
  private readonly gradientAddress: number;
  private readonly momentAddress: [number, number];
  private readonly parameterFloats: number;
  private beta1Power = 1;
  private beta2Power = 1;

  constructor(
    readonly spec: NetworkSpec,
    readonly options: DenseNetworkOptions,
  ) {
    const { maxRows, training } = options;
    const plan = new ArenaPlan();
    const shapes = networkLayers(spec).slice(0, -2);
    const lastHidden = spec.hiddenSizes.at(-1)!;
    const all = [
      ...shapes.map((s) => ({ inputs: s.inputs, outputs: s.outputs, tanh: true })),
      { inputs: lastHidden, outputs: spec.actionCount + 1, tanh: false },
    ];
    const blockFloats = all.reduce((sum, l) => sum + (l.inputs + 1) * padded(l.outputs), 0);
    this.parameterFloats = blockFloats;
    this.parameterAddress = plan.reserve(blockFloats);
    this.gradientAddress = training ? plan.reserve(blockFloats) : 0;
    this.momentAddress = training ? [plan.reserve(blockFloats), plan.reserve(blockFloats)] : [0, 0];
    let offset = 0;
    this.layers = all.map(({ inputs, outputs, tanh }) => {
      const columns = padded(outputs);
      const rowFloats = tanh ? strideFloats(columns) : columns;
      const weightOffset = offset * 4;
      const biasOffset = (offset + inputs * columns) * 4;
      offset += (inputs + 1) * columns;
      return {
        inputs,
        outputs,
        columns,
        rowBytes: rowFloats * 4,
        weights: this.parameterAddress + weightOffset,
        bias: this.parameterAddress + biasOffset,
        weightGradient: this.gradientAddress + weightOffset,
        biasGradient: this.gradientAddress + biasOffset,
        activation: plan.reserve(maxRows * rowFloats),
        gradient: training ? plan.reserve(maxRows * rowFloats) : 0,
        transposed: training ? plan.reserve(outputs * padded(inputs)) : 0,
        tanh,
      };
    });
    const storedRows = options.storedRows ?? 0;
    this.inputAddress = plan.reserve(maxRows * spec.observationSize);
    this.storedAddress = plan.reserve(storedRows * spec.observationSize);
    this.indexAddress = plan.reserve(maxRows);
    const { kernel, buffer } = plan.instantiate();
    this.kernel = kernel;
    this.buffer = buffer;
    const head = this.layers.at(-1)!;
    this.outputStride = head.columns;
    this.observations = new Float32Array(buffer, this.inputAddress, maxRows * spec.observationSize);
    this.outputs = new Float32Array(buffer, head.activation, maxRows * head.columns);
    this.outputGradient = new Float32Array(buffer, head.gradient, training ? maxRows * head.columns : 0);
    this.stored = new Float32Array(buffer, this.storedAddress, storedRows * spec.observationSize);
    this.indices = new Uint32Array(buffer, this.indexAddress, maxRows);
  }

  /** Copies stored rows indices[0 .. rows) into `observations`. */
  gather(rows: number): void {
    const rowBytes = this.spec.observationSize * 4;
    this.kernel.gatherRows(this.inputAddress, this.storedAddress, rowBytes, this.indexAddress, rows);
  }

  /** Fills `outputs` for `observations`, or for stored rows from `storedFrom` on without copying them. */
  forward(rows: number, storedFrom?: number): void {
    const observationBytes = this.spec.observationSize * 4;
    let input =
      storedFrom === undefined ? this.inputAddress : this.storedAddress + storedFrom * observationBytes;
    let inputBytes = observationBytes;
    for (const l of this.layers) {
      // biome-ignore format: the operands read as matrices: C, A, B, then the mode and the sizes
      this.kernel.matmul(
        l.activation, l.rowBytes, input, inputBytes, 4, l.weights, l.columns * 4, l.bias,
        MATMUL_START.bias, l.tanh ? 1 : 0, rows, l.columns, l.inputs,
      );
      input = l.activation;
      inputBytes = l.rowBytes;
    }
  }

  /** Gradients of sum(outputGradient * outputs) for the `observations` of the last `forward(rows)`. */
  backward(rows: number): void {
    const k = this.kernel;
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const l = this.layers[i]!;
      const below = this.layers[i - 1];
      const input = below ? below.activation : this.inputAddress;
      const inputBytes = below ? below.rowBytes : this.spec.observationSize * 4;
      const rowBytes = l.columns * 4;
      for (let from = 0; from < rows; from += ROW_CHUNK) {
        const depth = Math.min(ROW_CHUNK, rows - from);
        const start = from === 0 ? MATMUL_START.zero : MATMUL_START.present;
        const a = input + from * inputBytes;
        const b = l.gradient + from * l.rowBytes;
        // biome-ignore format: as above; A is the input transposed, so its strides are swapped
        k.matmul(
          l.weightGradient, rowBytes, a, 4, inputBytes, b, l.rowBytes, 0,
          start, 0, l.inputs, l.columns, depth,
        );
      }
      k.sumRows(l.biasGradient, l.gradient, l.rowBytes, rows, l.columns);
      if (below) {
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

  /** One Adam step with the last gradients; returns the global gradient norm before clipping. */
  adamStep({ learningRate, maxGradientNorm }: AdamStep): number {
    const bytes = this.parameterFloats * 4;
    const norm = Math.sqrt(this.kernel.sumSquares(this.gradientAddress, bytes));
    this.beta1Power *= BETA1;
    this.beta2Power *= BETA2;
    const scale = norm > maxGradientNorm ? maxGradientNorm / norm : 1;
    const [moment1, moment2] = this.momentAddress;
    // biome-ignore format: addresses first, then the scalars
    this.kernel.adam(
      this.parameterAddress, this.gradientAddress, moment1, moment2, bytes, learningRate, BETA1, BETA2, EPSILON,
      1 / (1 - this.beta1Power), 1 / (1 - this.beta2Power), scale,
    );
    return norm;
  }

  /** @throws PolicyError when `weights` has the wrong length or holds NaN or Infinity. */
  setWeights(weights: Float32Array): void {
    checkWeights(this.spec, weights);
    this.eachWeight(this.parameterAddress, (block, at, i) => {
      block[at] = weights[i]!;
    });
  }

  /** The parameters in the portable order of `networkLayers`. */
  getWeights(): Float32Array {
    return this.unpack(this.parameterAddress);
  }

  /** The last gradients in the same order. */
  getGradients(): Float32Array {
    return this.unpack(this.gradientAddress);
  }

  optimiserState(): OptimiserState {
    const copy = (at: number) => new Float32Array(this.buffer, at, this.parameterFloats).slice();
    const [moment1, moment2] = this.momentAddress;
    const { beta1Power, beta2Power } = this;
    return { moment1: copy(moment1), moment2: copy(moment2), beta1Power, beta2Power };
  }

  setOptimiserState(state: OptimiserState): void {
    const [moment1, moment2] = this.momentAddress;
    new Float32Array(this.buffer, moment1, this.parameterFloats).set(state.moment1);
    new Float32Array(this.buffer, moment2, this.parameterFloats).set(state.moment2);
    this.beta1Power = state.beta1Power;
    this.beta2Power = state.beta2Power;
  }

  private unpack(address: number): Float32Array {
    const out: number[] = [];
    this.eachWeight(address, (block, at) => out.push(block[at]!));
    return Float32Array.from(out);
  }

  /** Visits a parameter block in portable order: the head's value column comes last, on its own. */
  private eachWeight(address: number, visit: (block: Float32Array, at: number, i: number) => void): void {
    const block = new Float32Array(this.buffer, address, this.parameterFloats);
    let i = 0;
    const visitColumns = (l: Layer, from: number, to: number) => {
      const base = (l.weights - this.parameterAddress) / 4;
      // Row `inputs` of the block is the bias.
      for (let r = 0; r <= l.inputs; r++) {
        for (let c = from; c < to; c++) visit(block, base + r * l.columns + c, i++);
      }
    };
    const head = this.layers.at(-1)!;
    for (const l of this.layers.slice(0, -1)) visitColumns(l, 0, l.outputs);
    visitColumns(head, 0, this.spec.actionCount);
    visitColumns(head, this.spec.actionCount, this.spec.actionCount + 1);
  }
}
