import asc from "assemblyscript/asc";

const CHAINS = 12;
const FLOP_PER_PASS = CHAINS * 4 * 2;

/** `pass(n)` runs n rounds of independent 128-bit multiply-adds that never leave the registers. */
const SOURCE = `
export function pass(n: i32): f32 {
  ${each((i) => `let a${i} = f32x4.splat(${i});`)}
  const m = f32x4.splat(0.999), c = f32x4.splat(0.001);
  for (let i = 0; i < n; i++) { ${each((i) => `a${i} = f32x4.relaxed_madd(m, c, a${i});`)} }
  let sum = a0;
  ${each((i) => `sum = f32x4.add(sum, a${i});`)}
  return f32x4.extract_lane(sum, 0);
}`;

function each(line: (i: number) => string): string {
  return Array.from({ length: CHAINS }, (_, i) => line(i)).join(" ");
}

/**
 * What one thread of WebAssembly can at most do here: 128-bit fused multiply-adds and nothing else. The engine
 * must already accept relaxed SIMD.
 */
export async function fmaLimit(): Promise<{ run(): number; flop: number }> {
  let binary: Uint8Array | undefined;
  const { error } = await asc.main(
    [
      "index.ts",
      "--outFile",
      "a.wasm",
      "-O3",
      "--runtime",
      "stub",
      "--enable",
      "simd",
      "--enable",
      "relaxed-simd",
    ],
    {
      readFile: (name: string) => (name === "index.ts" ? SOURCE : null),
      writeFile: (_name: string, contents: string | Uint8Array) => {
        if (typeof contents !== "string") binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || !binary) throw error ?? new Error("the limit's kernel did not compile");
  const module = new WebAssembly.Module(binary as BufferSource);
  const pass = new WebAssembly.Instance(module, {}).exports.pass as (n: number) => number;
  const rounds = 20_000;
  return { run: () => pass(rounds), flop: rounds * FLOP_PER_PASS };
}
