import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const cache = join(import.meta.dirname, "../../node_modules/.cache/assay-backend-tests");
let folders = 0;

/** Writes a small functions folder; paths to contents. It lives in the repository's reach of node_modules. */
export function functionsFolder(files: Record<string, string>): string {
  const directory = join(cache, `${process.pid}-${performance.timeOrigin}-${folders++}`, "convex");
  mkdirSync(directory, { recursive: true });
  for (const [name, contents] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), contents);
  }
  return directory;
}
