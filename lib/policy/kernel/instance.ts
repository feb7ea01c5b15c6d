import { base64Decode } from "../../core/bytes";
import { KERNEL_WASM_BASE64 } from "./kernelWasm";

/**
 * Names the arithmetic that produced a policy's outputs; part of every decision's provenance.
 * Baseline WebAssembly SIMD, single precision. Every output is one sum in ascending input order that
 * starts from the bias, so a row gives the same bits at batch 1 and inside any batch, on any machine.
 * Raise the number with every change of the kernel that can change a bit.
 */
export const KERNEL_VERSION = "dense-f32-simd128-1";

/** The functions of assembly/index.ts; all arguments are byte addresses, byte strides or counts. */
export interface KernelExports {
  matmul(
    c: number,
    cRow: number,
    a: number,
    aRow: number,
    aColumn: number,
    b: number,
    bRow: number,
    bias: number,
    start: number,
    useTanh: number,
    rows: number,
    columns: number,
    depth: number,
  ): void;
  tanhBackward(grad: number, y: number, bytes: number): void;
  transpose(
    target: number,
    targetRow: number,
    source: number,
    sourceRow: number,
    rows: number,
    columns: number,
  ): void;
  sumRows(
    target: number,
    source: number,
    sourceRow: number,
    start: number,
    rows: number,
    columns: number,
  ): void;
  gatherRows(
    target: number,
    targetRow: number,
    source: number,
    rowBytes: number,
    indices: number,
    rows: number,
  ): void;
  sumSquares(at: number, bytes: number): number;
  adam(
    weights: number,
    gradient: number,
    moment1: number,
    moment2: number,
    bytes: number,
    settings: number,
  ): void;
}

/** Single-precision numbers of one Adam step, in the order in which the kernel reads them. */
export const ADAM_SETTINGS = [
  "gradientScale",
  "beta1",
  "oneMinusBeta1",
  "beta2",
  "oneMinusBeta2",
  /** Learning rate / (1 - beta1^t). */
  "rate",
  /** sqrt(1 / (1 - beta2^t)). */
  "rootCorrection2",
  "epsilon",
  /** 1 - learning rate * weight decay: AdamW (Loshchilov & Hutter 2019, algorithm 2); 1 is plain Adam. */
  "keepWeight",
] as const;

export const MATMUL_START = { zero: 0, bias: 1, present: 2 } as const;

/** One build of assembly/index.ts. Builds differ in rounding, or in whether threads may share their memory. */
export interface KernelBuild {
  /** Names the arithmetic: networks of the same version give the same bits on every machine. */
  version: string;
  module: WebAssembly.Module;
  isShared: boolean;
}

let baseline: KernelBuild | undefined;

/** The build of every decision, evaluation and replay. */
export function baselineKernel(): KernelBuild {
  baseline ??= {
    version: KERNEL_VERSION,
    module: new WebAssembly.Module(base64Decode(KERNEL_WASM_BASE64) as BufferSource),
    isShared: false,
  };
  return baseline;
}

const PAGE_BYTES = 65536;
/** Address 0 stays unused so that a forgotten pointer is seen as zeros, not as somebody's data. */
const ARENA_START = 1024;

/** Hands out aligned pieces of one memory; nothing is ever freed. Equal plans give equal addresses. */
export class ArenaPlan {
  private next = ARENA_START;

  /** Address of `floats` single-precision numbers, aligned to a cache line. */
  reserve(floats: number): number {
    const address = this.next;
    this.next += Math.ceil(floats / 16) * 64;
    return address;
  }

  /** A zeroed memory that holds everything reserved so far. */
  createMemory({ isShared }: KernelBuild): WebAssembly.Memory {
    const pages = Math.ceil(this.next / PAGE_BYTES);
    return new WebAssembly.Memory(
      isShared ? { initial: pages, maximum: pages, shared: true } : { initial: pages },
    );
  }
}

/** An instance of the build over a memory, which other instances may work on at the same time. */
export function instantiateKernel(build: KernelBuild, memory: WebAssembly.Memory): KernelExports {
  return new WebAssembly.Instance(build.module, { env: { memory } }).exports as unknown as KernelExports;
}
