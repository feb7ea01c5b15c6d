import { expect, test } from "vitest";
import { kernelSentence } from "./sameBits";

test("a run says which kernel trained it and when another machine comes to other bits", () => {
  expect(kernelSentence({ kernels: ["fused"] })).toBe(
    "Trained with fused: the same bits on every machine that has this kernel, other last bits on one that has not.",
  );
  expect(kernelSentence({ kernels: ["fused"] }, { name: "run 1", kernels: ["fused"] })).toMatch(
    /^Trained with fused:/,
  );
  expect(kernelSentence({ kernels: ["baseline"] }, { name: "run 1", kernels: ["fused"] })).toBe(
    "Trained with baseline; run 1 of the same recipe on the same dataset was trained with fused: " +
      "last bits, and with them figures, may differ.",
  );
  expect(kernelSentence({ kernels: ["fused", "baseline"] })).toMatch(/fused and baseline.*may differ/);
  expect(kernelSentence({})).toMatch(/not noted/);
});
