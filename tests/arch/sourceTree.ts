/** The project as the architecture rules see it: every file that could be committed, and its syntax tree. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseAst } from "vitest/node";

/** One node of the ESTree that the parser gives; only `type` and `start` are on every node. */
export interface AstNode {
  type: string;
  start: number;
  [key: string]: unknown;
}

export interface SourceFile {
  /** Relative to the tree's root, with forward slashes. */
  path: string;
  text: string;
  ast: AstNode;
}

export interface SourceTree {
  root: string;
  /** Every file, source or not. */
  files: Array<{ path: string; bytes: number }>;
  /** The TypeScript files, parsed. Generated code and AssemblyScript are in `files` only. */
  sources: SourceFile[];
}

export interface Finding {
  rule: string;
  path: string;
  line?: number;
  message: string;
}

const IGNORED_FOLDERS = new Set(["node_modules", "build", "test-results", "playwright-report"]);
/** Hidden folders are caches and git's own, except these two. */
const HIDDEN_FOLDERS_OF_THE_PROJECT = new Set([".ci", ".github"]);
/** `.git` is a file where the checkout is a worktree of another. */
const NOT_COMMITTED = /(^|\/)(\.git|next-env\.d\.ts|\.env|\.env\.local|[^/]+\.tsbuildinfo)$/;
/** Fixtures break rules on purpose; generated and AssemblyScript files follow other rules. */
const FIXTURES = /^tests\/arch\/fixtures\//;
const NOT_PARSED = /^convex\/_generated\/|^lib\/policy\/kernel\/assembly\/|kernelWasm\.ts$|\.d\.ts$/;

function walk(root: string, folder: string, found: SourceTree["files"]): void {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      const hidden = entry.name.startsWith(".") && !HIDDEN_FOLDERS_OF_THE_PROJECT.has(entry.name);
      if (!hidden && !IGNORED_FOLDERS.has(entry.name) && !FIXTURES.test(`${path}/`)) walk(root, path, found);
    } else if (entry.isFile() && !NOT_COMMITTED.test(path)) {
      found.push({ path, bytes: statSync(join(root, path)).size });
    }
  }
}

/** Parses TypeScript or TSX. Throws with the file's name when it does not parse. */
export function parseSource(path: string, text: string): SourceFile {
  try {
    const ast = parseAst(text, { lang: path.endsWith("x") ? "tsx" : "ts" }) as unknown as AstNode;
    return { path, text, ast };
  } catch (error) {
    throw new Error(`${path} does not parse: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Reads and parses everything under `root`; deterministic order. */
export function loadTree(root: string): SourceTree {
  const files: SourceTree["files"] = [];
  walk(root, "", files);
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  const sources = files
    .filter((file) => /\.tsx?$/.test(file.path) && !NOT_PARSED.test(file.path))
    .map((file) => parseSource(file.path, readFileSync(join(root, file.path), "utf8")));
  return { root, files, sources };
}

/** Calls `see` on every node, parents first. */
export function visit(node: AstNode, see: (node: AstNode) => void): void {
  see(node);
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) visit(item, see);
    } else if (isNode(value)) visit(value, see);
  }
}

export function isNode(value: unknown): value is AstNode {
  return typeof value === "object" && value !== null && typeof (value as AstNode).type === "string";
}

/** 1-based line of a node. */
export function lineOf(file: SourceFile, node: AstNode): number {
  let line = 1;
  for (let at = file.text.indexOf("\n"); at !== -1 && at < node.start; at = file.text.indexOf("\n", at + 1)) {
    line++;
  }
  return line;
}

/** `a.b.c` of a chain of plain names, else null. */
export function dottedName(node: unknown): string | null {
  if (!isNode(node)) return null;
  if (node.type === "Identifier") return node.name as string;
  if (node.type === "MemberExpression" && node.computed === false) {
    const object = dottedName(node.object);
    return object === null ? null : `${object}.${(node.property as AstNode).name as string}`;
  }
  return null;
}

/** The value of a string literal or of a template without holes, else null. */
export function literalText(node: unknown): string | null {
  if (!isNode(node)) return null;
  if (node.type === "Literal") return typeof node.value === "string" ? node.value : null;
  if (node.type === "TemplateLiteral") {
    const parts = node.quasis as Array<{ value: { cooked: string } }>;
    return parts.length === 1 ? (parts[0]?.value.cooked ?? null) : null;
  }
  return null;
}

/** Tests and their fixtures: they may use what the product may not. */
export function isTestFile(path: string): boolean {
  return /\.(test|spec|fixture)\.tsx?$|^tests\/|^bench\//.test(path);
}
