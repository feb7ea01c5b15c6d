import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import asc from "assemblyscript/asc";
import { base64Encode } from "../../lib/core/bytes";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const SOURCE = here("../../lib/policy/kernel/assembly/index.ts");
/** Pages of the largest memory that WebAssembly can address; a shared memory must declare its maximum. */
const SHARED = ["--enable", "threads", "--sharedMemory", "--maximumMemory", "65536"];

/** The committed modules and what each holds. Only the first may decide: it is all that lib knows. */
const MODULES: Record<string, Record<string, string[]>> = {
  [here("../../lib/policy/kernel/kernelWasm.ts")]: { KERNEL_WASM_BASE64: [] },
  [here("./trainingKernelWasm.ts")]: {
    SHARED_BASELINE_WASM_BASE64: SHARED,
    SHARED_RELAXED_WASM_BASE64: [...SHARED, "--enable", "relaxed-simd"],
  },
};

/** Compiles the AssemblyScript kernel in memory. Same source and compiler version give the same bytes. */
async function compileKernel(source: string, flags: string[]): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    // biome-ignore format: one option a line reads worse
    ["index.ts", "--outFile", "kernel.wasm", "--optimizeLevel", "3", "--noAssert", "--runtime", "stub",
      "--importMemory", "--initialMemory", "1", "--enable", "simd", ...flags],
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

/** Path and text of every committed module, made anew from the source. */
export async function buildKernelModules(): Promise<Map<string, string>> {
  const source = await readFile(SOURCE, "utf8");
  const texts = new Map<string, string>();
  for (const [path, builds] of Object.entries(MODULES)) {
    const lines = [
      "/** Built from lib/policy/kernel/assembly by `npx tsx rl-worker/policy/buildKernel.ts`. Do not edit. */",
    ];
    for (const [name, flags] of Object.entries(builds)) {
      lines.push(`export const ${name} =\n  "${base64Encode(await compileKernel(source, flags))}";`);
    }
    texts.set(path, `${lines.join("\n")}\n`);
  }
  return texts;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [path, text] of await buildKernelModules()) {
    await writeFile(path, text);
    console.log(`${path}: ${text.length} characters`);
  }
}
