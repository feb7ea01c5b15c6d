import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { compileKernel, KERNEL_MODULE_PATH, kernelModuleText } from "./buildKernel";

describe("policy kernel build", () => {
  it("rebuilding the AssemblyScript source gives the committed bytes", async () => {
    expect(kernelModuleText(await compileKernel())).toBe(await readFile(KERNEL_MODULE_PATH, "utf8"));
  });
});
