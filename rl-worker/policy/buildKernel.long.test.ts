import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { buildKernelModules } from "./buildKernel";

describe("policy kernel build", () => {
  it("rebuilding the AssemblyScript source gives the committed bytes of every build", async () => {
    for (const [path, text] of await buildKernelModules()) expect(await readFile(path, "utf8")).toBe(text);
  });
});
