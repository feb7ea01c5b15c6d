import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { float32ToBytes } from "../core/bytes";
import { createPrng } from "../core/prng";
import { sha256Hex } from "../core/sha256";
import { createPolicy, softmax } from "./decide";
import { KERNEL_VERSION } from "./kernel/instance";
import { initialWeights } from "./network";
import type { NetworkSpec } from "./types";

const SPEC: NetworkSpec = { observationSize: 12, hiddenSizes: [20, 9], actionCount: 3, activation: "tanh" };
const WEIGHTS = initialWeights(SPEC, createPrng(1)).map((w) => w * 3);
const policy = createPolicy(SPEC, WEIGHTS);
const observation = fc.float32Array({ minLength: 12, maxLength: 12, noNaN: true, min: -50, max: 50 });

describe("policy decision", () => {
  it("gives probabilities that sum to one, the most probable action, and the same bits each time", () => {
    fc.assert(
      fc.property(observation, (x) => {
        const first = policy.decide(x);
        const sum = first.probabilities.reduce((a, b) => a + b, 0);
        expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
        expect(first.probabilities[first.action]).toBe(Math.max(...first.probabilities));
        policy.decide(new Float32Array(12).fill(1));
        expect(policy.decide(x)).toEqual(first);
      }),
    );
  });

  it("ties go to the lower index", () => {
    expect(
      createPolicy(
        SPEC,
        WEIGHTS.map(() => 0),
      ).decide(new Float32Array(12)).action,
    ).toBe(0);
  });

  it("A-04: a NaN or infinite field anywhere is refused by name, never imputed", () => {
    fc.assert(
      fc.property(
        observation,
        fc.nat(11),
        fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
        (x, at, bad) => {
          const spoiled = x.slice();
          spoiled[at] = bad;
          expect(() => policy.decide(spoiled)).toThrow(
            expect.objectContaining({ code: "OBSERVATION_NOT_FINITE" }),
          );
        },
      ),
    );
    expect(() => policy.decide(new Float32Array(11))).toThrow(/reads 12 fields, got 11/);
  });

  it("A-05: an output that overflows is refused instead of becoming an action", () => {
    const huge = createPolicy(
      SPEC,
      WEIGHTS.map(() => 3e38),
    );
    expect(() => huge.decide(new Float32Array(12).fill(1))).toThrow(
      expect.objectContaining({ code: "OUTPUT_NOT_FINITE" }),
    );
  });

  it("refuses weights of the wrong length, NaN weights and impossible networks", () => {
    expect(() => createPolicy(SPEC, WEIGHTS.slice(1))).toThrow(
      expect.objectContaining({ code: "WEIGHTS_SIZE_MISMATCH" }),
    );
    const spoiled = WEIGHTS.slice();
    spoiled[5] = Number.NaN;
    expect(() => createPolicy(SPEC, spoiled)).toThrow(
      expect.objectContaining({ code: "WEIGHTS_NOT_FINITE" }),
    );
    expect(() => createPolicy({ ...SPEC, hiddenSizes: [] }, WEIGHTS)).toThrow(/hiddenSizes.length/);
  });

  it("this kernel version stands for these bits: change the version when this hash must change", () => {
    const prng = createPrng(2);
    const parts: string[] = [];
    for (let i = 0; i < 50; i++) {
      const x = Float32Array.from({ length: 12 }, () => 4 * prng.nextGaussian());
      const { logits, probabilities, value } = policy.decide(x);
      parts.push(sha256Hex(float32ToBytes(Float32Array.from([...logits, ...probabilities, value]))));
    }
    expect({ version: KERNEL_VERSION, bits: sha256Hex(parts.join()).slice(0, 16) }).toEqual({
      version: "dense-f32-simd128-1",
      bits: "3b17daa2e8869be0",
    });
  });

  it("softmax survives logits that would overflow a naive exponential", () => {
    expect([...softmax(Float32Array.from([1000, 0, -1000]))]).toEqual([1, 0, 0]);
  });
});

describe("orthogonal initialisation", () => {
  it("hidden kernels are orthogonal times sqrt(2), the policy head is scaled by 0.01, biases are zero", () => {
    const spec: NetworkSpec = { observationSize: 8, hiddenSizes: [16], actionCount: 3, activation: "tanh" };
    const w = initialWeights(spec, createPrng(3));
    const dot = (offset: number, columns: number, r: number, s: number) => {
      let sum = 0;
      for (let c = 0; c < columns; c++) sum += w[offset + r * columns + c]! * w[offset + s * columns + c]!;
      return sum;
    };
    expect(dot(0, 16, 0, 0)).toBeCloseTo(2, 5);
    expect(dot(0, 16, 0, 3)).toBeCloseTo(0, 5);
    const head = 9 * 16;
    expect(w.slice(128, head).every((b) => b === 0)).toBe(true);
    expect(Math.max(...w.slice(head, head + 48).map(Math.abs))).toBeLessThanOrEqual(0.01);
  });
});
