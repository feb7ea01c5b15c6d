import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { OperatorError } from "../store/store";

export interface EntryPoint {
  /** Absolute file path. */
  file: string;
  /** Module path as functions name it: no extension, forward slashes. */
  modulePath: string;
  isNode: boolean;
}

const EXTENSIONS = /\.(js|jsx|ts|tsx|mjs)$/;
const NEVER_NODE = new Set(["http", "crons", "schema", "auth.config"]);

/** A leading `"use node"` directive, after comments. */
function hasUseNode(source: string): boolean {
  return /^(?:\s|\/\/[^\n]*\n|\/\*[\s\S]*?\*\/|(["'])use strict\1;?)*(["'])use node\2/.test(source);
}

function isModuleFile(path: string): boolean {
  const name = path.split("/").at(-1)!;
  if (!EXTENSIONS.test(name) || name.endsWith(".d.ts")) return false;
  if (name.split(".").length > 2 || name.startsWith(".") || name.startsWith("#")) return false;
  return !path.includes(" ") && !/^schema\./.test(path);
}

function* walk(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true }).sort((a, b) =>
    a.name < b.name ? -1 : 1,
  )) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      if (entry.name === "_generated" || entry.name === "node_modules") continue;
      if (findConfigFile(path, "convex.config")) continue;
      yield* walk(path);
    } else if (entry.isFile()) yield path;
  }
}

/** Every function module of a functions folder, by the rules of the stock bundler. */
export function findEntryPoints(functionsDirectory: string): EntryPoint[] {
  if (!existsSync(functionsDirectory)) {
    throw new OperatorError(
      `The functions folder ${functionsDirectory} does not exist. Pass --functions DIR.`,
    );
  }
  const entries: EntryPoint[] = [];
  for (const file of walk(functionsDirectory)) {
    const path = relative(functionsDirectory, file).split(sep).join("/");
    if (!isModuleFile(path)) continue;
    const source = readFileSync(file, "utf8");
    if (/\.tsx?$/.test(path) && !/^\s*(import|export)\b/m.test(source)) continue;
    const modulePath = path.replace(EXTENSIONS, "");
    const isNode = hasUseNode(source);
    if (isNode && NEVER_NODE.has(modulePath)) {
      throw new OperatorError(
        `${path} may not have the "use node" directive: it runs in the default runtime.`,
      );
    }
    entries.push({ file, modulePath, isNode });
  }
  return entries;
}

/** A file of the folder by base name with any script extension, or null. */
export function findConfigFile(functionsDirectory: string, baseName: string): string | null {
  for (const extension of ["ts", "js", "tsx", "jsx", "mjs"]) {
    const file = join(functionsDirectory, `${baseName}.${extension}`);
    if (existsSync(file)) return file;
  }
  return null;
}

/** `node.externalPackages` of the nearest convex.json at or above the folder. */
export function externalPackagesOf(functionsDirectory: string): string[] {
  for (let directory = functionsDirectory; ; directory = join(directory, "..")) {
    const file = join(directory, "convex.json");
    if (existsSync(file)) {
      const config = JSON.parse(readFileSync(file, "utf8")) as { node?: { externalPackages?: string[] } };
      return config.node?.externalPackages ?? [];
    }
    if (join(directory, "..") === directory) return [];
  }
}
