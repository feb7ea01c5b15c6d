import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import asc from "assemblyscript/asc";
import { base64Encode } from "../../lib/core/bytes";

const SOURCE = fileURLToPath(new URL("../../lib/policy/kernel/assembly/index.ts", import.meta.url));
export const KERNEL_MODULE_PATH = fileURLToPath(
  new URL("../../lib/policy/kernel/kernelWasm.ts", import.meta.url),
);

/** Compiles the AssemblyScript kernel in memory. Same source and compiler version give the same bytes. */
export async function compileKernel(): Promise<Uint8Array> {
  const source = await readFile(SOURCE, "utf8");
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    // biome-ignore format: one option a line reads worse
    ["index.ts", "--outFile", "kernel.wasm", "--optimizeLevel", "3", "--noAssert", "--runtime", "stub",
      "--importMemory", "--initialMemory", "1", "--enable", "simd"],
    {
      readFile: (name: string) => (name.endsWith("index.ts") && !name.includes("~lib") ? source : null),
      writeFile: (_name: string, contents: string | Uint8Array) => {
        if (typeof contents !== "string") binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || !binary)
    throw new Error(`The kernel did not compile: ${error?.message}\n${stderr.toString()}`);
  return binary;
}

/** The text of lib/policy/kernel/kernelWasm.ts for a compiled module. */
export function kernelModuleText(binary: Uint8Array): string {
  return [
    "/** Built from assembly/index.ts by `npx tsx rl-worker/policy/buildKernel.ts`. Do not edit. */",
    `export const KERNEL_WASM_BASE64 =\n  "${base64Encode(binary)}";`,
    "",
  ].join("\n");
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const binary = await compileKernel();
  await writeFile(KERNEL_MODULE_PATH, kernelModuleText(binary));
  console.log(`${KERNEL_MODULE_PATH}: ${binary.length} bytes of WebAssembly`);
}
