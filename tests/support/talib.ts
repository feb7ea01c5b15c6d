/**
 * Test oracle: TA-Lib's own C code as compiled into the package talib-web. The package's JavaScript wrapper is
 * broken on Node, so its WebAssembly module (an Emscripten side module) is loaded here and called directly.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** Where the module's static data, its stack and its heap lie in memory. */
const DATA_BYTE = 1024;
const STACK_TOP_BYTE = 2 * 1024 * 1024;
/** The module declares this as its most: 16 MiB, enough for 100,000 bars. */
const PAGES = 256;

type Call = (...args: number[]) => number;

function load() {
  const file = createRequire(import.meta.url).resolve("talib-web/lib/index.cjs.js");
  const module = new WebAssembly.Module(readFileSync(file.replace("index.cjs.js", "talib.wasm")));
  const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  const instance = new WebAssembly.Instance(module, {
    env: {
      memory,
      emscripten_resize_heap: () => 0,
      __memory_base: new WebAssembly.Global({ value: "i32" }, DATA_BYTE),
      __stack_pointer: new WebAssembly.Global({ value: "i32", mutable: true }, STACK_TOP_BYTE),
    },
    "GOT.mem": { __heap_base: new WebAssembly.Global({ value: "i32", mutable: true }, STACK_TOP_BYTE) },
  });
  const exports = instance.exports as unknown as Record<string, Call>;
  exports.__wasm_call_ctors!();
  return { memory, exports };
}

let loaded: ReturnType<typeof load> | undefined;

/**
 * TA_<name> over whole columns. `options` are the C function's optional inputs in order; gives `outputs`
 * columns as long as the inputs, NaN before TA-Lib's first value. Throws when TA-Lib returns an error code.
 */
export function talib(
  name: string,
  inputs: readonly Float64Array[],
  options: readonly number[],
  outputs: number,
): Float64Array[] {
  loaded ??= load();
  const { memory, exports } = loaded;
  const call = exports[`TA_${name}`];
  if (call === undefined) throw new RangeError(`TA-Lib has no TA_${name}`);
  const rows = inputs[0]!.length;
  const pointers = [...inputs, ...Array.from({ length: outputs }, () => new Float64Array(rows))].map(
    (column) => {
      const at = exports.malloc!(rows * 8);
      if (at === 0) throw new RangeError(`TA-Lib's memory is full at ${rows} rows`);
      new Float64Array(memory.buffer, at, rows).set(column);
      return at;
    },
  );
  const counts = exports.malloc!(8);
  const code = call(
    0,
    rows - 1,
    ...pointers.slice(0, inputs.length),
    ...options,
    counts,
    counts + 4,
    ...pointers.slice(inputs.length),
  );
  if (code !== 0) throw new Error(`TA_${name} returned ${code}`);
  const [first, count] = new Int32Array(memory.buffer, counts, 2);
  const columns = pointers.slice(inputs.length).map((at) => {
    const column = new Float64Array(rows).fill(Number.NaN);
    column.set(new Float64Array(memory.buffer, at, count), first);
    return column;
  });
  for (const at of [...pointers, counts]) exports.free!(at);
  return columns;
}
