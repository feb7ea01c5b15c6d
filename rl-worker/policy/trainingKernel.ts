import { setFlagsFromString } from "node:v8";
import { base64Decode } from "../../lib/core/bytes";
import type { KernelChoice } from "../../lib/policy/kernel/choices";
import { instantiateKernel, KERNEL_VERSION, type KernelBuild } from "../../lib/policy/kernel/instance";
import { SHARED_BASELINE_WASM_BASE64, SHARED_RELAXED_WASM_BASE64 } from "./trainingKernelWasm";

/**
 * The relaxed build where multiply-add is fused, so rounded once. A fused multiply-add is defined to the bit, so
 * this name too means one arithmetic on every machine that has it; a machine without it trains with the baseline.
 */
export const FUSED_KERNEL_VERSION = "dense-f32-fma128-2";

const bytesOf = (base64: string) => base64Decode(base64) as BufferSource;
let baseline: KernelBuild | undefined;
let fused: KernelBuild | null | undefined;

/**
 * The kernel that training computes with. Decisions, evaluations and replays never ask here: they use the
 * baseline of lib/policy.
 * @throws RangeError when `relaxed` is asked for and this machine cannot.
 */
export function trainingKernel(choice: KernelChoice): KernelBuild {
  if (choice !== "baseline") {
    fused ??= fusedKernel();
    if (fused) return fused;
    if (choice === "relaxed") {
      throw new RangeError(
        "kernel relaxed: this engine has no relaxed SIMD or this processor no fused multiply-add; " +
          "choose baseline or auto",
      );
    }
  }
  baseline ??= {
    version: KERNEL_VERSION,
    module: new WebAssembly.Module(bytesOf(SHARED_BASELINE_WASM_BASE64)),
    isShared: true,
  };
  return baseline;
}

function fusedKernel(): KernelBuild | null {
  const bytes = bytesOf(SHARED_RELAXED_WASM_BASE64);
  if (!WebAssembly.validate(bytes)) {
    // Before Node 22 the engine has it behind a flag, which it reads when a module is compiled.
    setFlagsFromString("--experimental-wasm-relaxed-simd");
    if (!WebAssembly.validate(bytes)) return null;
  }
  const build = { version: FUSED_KERNEL_VERSION, module: new WebAssembly.Module(bytes), isShared: true };
  return isFused(build) ? build : null;
}

/** x * x - 1 with x = 1 + 2^-12: rounding the product first loses the 2^-24 that a fused sum keeps. */
function isFused(build: KernelBuild): boolean {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const [x, bias, out] = [64, 128, 192];
  new Float32Array(memory.buffer, x, 4).fill(1 + 2 ** -12);
  new Float32Array(memory.buffer, bias, 4).fill(-1);
  // biome-ignore format: C, A, B, then the mode and the sizes
  instantiateKernel(build, memory).matmul(out, 16, x, 4, 4, x, 16, bias, 1, 0, 1, 4, 1);
  return new Float32Array(memory.buffer, out, 1)[0] === 2 ** -11 + 2 ** -24;
}
