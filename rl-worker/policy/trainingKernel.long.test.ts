import { describe, expect, it } from "vitest";
import { createPrng } from "../../lib/core/prng";
import type { KernelChoice } from "../../lib/policy/kernel/choices";
import { DenseNetwork } from "../../lib/policy/kernel/denseNetwork";
import { KERNEL_VERSION } from "../../lib/policy/kernel/instance";
import { gradientError, randomWeights, TEST_SHAPES } from "../../lib/policy/kernel/reference.fixture";
import { FUSED_KERNEL_VERSION, trainingKernel } from "./trainingKernel";

const outputsOf = (network: DenseNetwork, weights: Float32Array): Float32Array => {
  network.setWeights(weights);
  const prng = createPrng(6);
  for (let i = 0; i < network.observations.length; i++) network.observations[i] = prng.nextGaussian();
  network.forward(9);
  return network.outputs.slice();
};

describe("training kernels", () => {
  it("backward of both builds equals float64 finite differences", () => {
    for (const choice of ["baseline", "auto"] satisfies KernelChoice[]) {
      for (const spec of TEST_SHAPES) {
        const network = new DenseNetwork(spec, {
          maxRows: 67,
          training: true,
          kernel: trainingKernel(choice),
        });
        expect(gradientError(network, 67, 31)).toBeLessThan(1e-5);
      }
    }
  });

  it("the shared baseline gives the bits of the kernel that decides; the fused one gives others, close by", () => {
    for (const spec of TEST_SHAPES) {
      const weights = randomWeights(spec, 3);
      const options = { maxRows: 9, training: false };
      const deciding = outputsOf(new DenseNetwork(spec, options), weights);
      const shared = new DenseNetwork(spec, { ...options, kernel: trainingKernel("baseline") });
      expect(outputsOf(shared, weights)).toEqual(deciding);
      const other = trainingKernel("auto");
      if (other.version === KERNEL_VERSION) continue; // this machine has no fused multiply-add
      const fused = outputsOf(new DenseNetwork(spec, { ...options, kernel: other }), weights);
      expect(fused).not.toEqual(deciding);
      for (let i = 0; i < fused.length; i++) expect(Math.abs(fused[i]! - deciding[i]!)).toBeLessThan(1e-5);
    }
  });

  it("each build says by its version which arithmetic it is", () => {
    expect(trainingKernel("baseline").version).toBe(KERNEL_VERSION);
    expect([KERNEL_VERSION, FUSED_KERNEL_VERSION]).toContain(trainingKernel("auto").version);
  });
});
