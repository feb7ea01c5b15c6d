/** Code that must give the same answer everywhere and every time, and where Node's own modules may appear. */
import { builtinModules } from "node:module";
import { importsOf } from "../imports";
import {
  type AstNode,
  dottedName,
  isNode,
  isTestFile,
  lineOf,
  literalText,
  type SourceFile,
  visit,
} from "../sourceTree";
import type { SourceRule } from "./types";

const CLOCK_AND_CHANCE = /^(globalThis\.)?(Date\.now|Math\.random|performance\.\w+|crypto\.\w+)$/;
const AMBIENT = /^(globalThis\.)?(process|Buffer|localStorage)\.\w+/;
const AMBIENT_CALLS = new Set(["fetch", "setTimeout", "setInterval", "setImmediate", "Date"]);
/** ECMAScript leaves the last bits of these to the host; `Math.sqrt` and arithmetic are exact everywhere. */
const HOST_MATH = /^Math\.(exp|expm1|log|log2|log10|log1p|pow|cbrt|hypot|a?(sin|cos|tan)h?|atan2)$/;
const REPLAYED =
  /^(lib\/(core|market|indicators|features|dataset|broker|policy|order|risk|decision)|rl-worker\/(env|train|infer))\//;
const BUILTINS = new Set(builtinModules);

const isNodeBuiltin = (specifier: string) => specifier.startsWith("node:") || BUILTINS.has(specifier);

/** The impure thing a node touches, in words, or null. */
function impurity(node: AstNode, allowAmbient: boolean): string | null {
  if (node.type === "MemberExpression") {
    const name = dottedName(node);
    if (name === null) return null;
    return CLOCK_AND_CHANCE.test(name) || (!allowAmbient && AMBIENT.test(name)) ? name : null;
  }
  const callee = dottedName(node.callee);
  if (node.type === "NewExpression" && callee === "Date" && (node.arguments as unknown[]).length === 0) {
    return "new Date()";
  }
  if (!allowAmbient && node.type === "CallExpression" && callee !== null && AMBIENT_CALLS.has(callee)) {
    return `${callee}()`;
  }
  return null;
}

function impurities(file: SourceFile, allowAmbient: boolean) {
  const found: Array<{ path: string; line: number; message: string }> = [];
  visit(file.ast, (node) => {
    const touched = impurity(node, allowAmbient);
    if (touched !== null)
      found.push({ path: file.path, line: lineOf(file, node), message: `uses ${touched}` });
  });
  return found;
}

/** `"use node"` or `"use client"` at the head of a file. */
function hasDirective(file: SourceFile, directive: string): boolean {
  return (file.ast.body as AstNode[]).some(
    (statement) =>
      statement.type === "ExpressionStatement" && literalText(statement.expression) === directive,
  );
}

function nodeImports(file: SourceFile) {
  return importsOf(file)
    .filter(({ specifier }) => isNodeBuiltin(specifier))
    .map(({ specifier, node }) => ({
      path: file.path,
      line: lineOf(file, node),
      message: `imports ${specifier}`,
    }));
}

const isServerFile = (file: SourceFile) =>
  !hasDirective(file, "use client") &&
  (file.path.startsWith("app/api/") || importsOf(file).some(({ specifier }) => specifier === "server-only"));

export const purityRules: SourceRule[] = [
  {
    name: "lib-has-no-clock-or-chance",
    why: "A decision replays bit for bit only when nothing in lib depends on when or where it runs.",
    check: (tree) =>
      tree.sources
        .filter((file) => file.path.startsWith("lib/") && !isTestFile(file.path))
        .flatMap((file) => impurities(file, false)),
  },
  {
    name: "replayed-code-uses-exact-math",
    why: "The same decision and the same training must give the same bits on any machine (invariant 4).",
    check: (tree) =>
      tree.sources
        .filter((file) => REPLAYED.test(file.path) && !isTestFile(file.path))
        .flatMap((file) => {
          const found: Array<{ path: string; line: number; message: string }> = [];
          visit(file.ast, (node) => {
            const name = node.type === "MemberExpression" ? dottedName(node) : null;
            if (name !== null && HOST_MATH.test(name)) {
              found.push({
                path: file.path,
                line: lineOf(file, node),
                message: `uses ${name}, whose last bits are the host's; lib/core/math.ts has exact ones`,
              });
            }
          });
          return found;
        }),
  },
  {
    name: "worker-clock-in-runtime",
    why: "rl-worker/runtime is the worker's only seam of nondeterminism; tests drive the rest through it.",
    check: (tree) =>
      tree.sources
        .filter((file) => /^rl-worker\/(?!runtime\/|cli\/)/.test(file.path) && !isTestFile(file.path))
        .flatMap((file) => impurities(file, true)),
  },
  {
    name: "convex-node-modules-in-node-actions",
    why: "Queries and mutations run in Convex's own runtime, which has no Node modules.",
    check: (tree) =>
      tree.sources
        .filter((file) => file.path.startsWith("convex/") && !isTestFile(file.path))
        .filter((file) => !hasDirective(file, "use node"))
        .flatMap(nodeImports),
  },
  {
    name: "client-files-touch-no-node",
    why: "A Node module in a client file breaks the build late or ships server code to a browser.",
    check: (tree) =>
      tree.sources
        .filter((file) => /^(app|components)\//.test(file.path) && !isTestFile(file.path))
        .filter((file) => !isServerFile(file))
        .flatMap(nodeImports),
  },
  {
    name: "no-test-switch-in-product",
    why: "What is tested must be what runs: behaviour under test differs only by injected ports (invariant 13).",
    check: (tree) =>
      tree.sources
        .filter((file) => !isTestFile(file.path))
        .flatMap((file) => {
          const found: Array<{ path: string; line: number; message: string }> = [];
          visit(file.ast, (node) => {
            const name = dottedName(node) ?? "";
            const comparesNodeEnv =
              node.type === "BinaryExpression" &&
              [node.left, node.right].some((side) => (dottedName(side) ?? "").endsWith(".NODE_ENV")) &&
              [node.left, node.right].some((side) => literalText(side) === "test");
            const readsRunner =
              isNode(node.object) && /\.(VITEST|VITEST_WORKER_ID|PLAYWRIGHT_TEST)$/.test(name);
            if (comparesNodeEnv || readsRunner) {
              found.push({
                path: file.path,
                line: lineOf(file, node),
                message: "asks whether a test is running",
              });
            }
          });
          return found;
        }),
  },
];
