import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname, relative, resolve } from "node:path";

interface BundleMap {
  /** Reads the map's JSON text; called at the first error only. */
  load(): string;
  /** Folder that the map's source paths start from, and the one to name them by. */
  sourcesFrom: string;
  namedFrom: string;
  parsed?: SourceMap;
}

const bundles = new Map<string, BundleMap>();
const MAX_FRAMES = 8;

/** Remembers where a bundle's lines come from. `file` is the name that stack frames carry. */
export function registerSourceMap(file: string, map: BundleMap): void {
  bundles.set(file, map);
}

/** A bundle whose map lies beside it as `<file>.map`. */
export function registerSourceMapFile(file: string, namedFrom: string): void {
  registerSourceMap(file, {
    load: () => readFileSync(`${file}.map`, "utf8"),
    sourcesFrom: dirname(file),
    namedFrom,
  });
}

/** `convex/messages.ts:12:3` for a place in a bundle, or null for any other file. */
function originOf(file: string, line: number, column: number): string | null {
  const bundle = bundles.get(file);
  if (!bundle) return null;
  bundle.parsed ??= new SourceMap(JSON.parse(bundle.load()));
  const entry = bundle.parsed.findEntry(line - 1, column - 1);
  if (!("originalSource" in entry)) return null;
  const source = relative(bundle.namedFrom, resolve(bundle.sourcesFrom, entry.originalSource));
  return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
}

const FRAME = /^\s+at (?:(.+?) \()?(?:file:\/\/)?([^()]+?):(\d+):(\d+)\)?$/;

/** Whether an error without a known caller came out of a functions folder: the backend throws errors only, its own. */
export function isThrownByFunction(thrown: unknown): boolean {
  const stack = (thrown as { stack?: unknown } | null | undefined)?.stack;
  if (typeof stack !== "string") return true;
  return stack.split("\n").some((line) => bundles.has(line.match(FRAME)?.[2] ?? ""));
}

/** The frames of a stack that lie in a functions folder, named by its sources; the host's own say nothing to its author. */
export function functionFrames(stack: string | undefined): string {
  const frames: string[] = [];
  for (const line of (stack ?? "").split("\n")) {
    const match = line.match(FRAME);
    const origin = match && originOf(match[2]!, Number(match[3]), Number(match[4]));
    if (!match || !origin || origin.includes("node_modules/")) continue;
    frames.push(match[1] ? `    at ${match[1]} (../${origin})` : `    at ../${origin}`);
  }
  return frames
    .slice(0, MAX_FRAMES)
    .map((frame) => `\n${frame}`)
    .join("");
}
