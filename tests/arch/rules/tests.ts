/** A suite that leaves tests out must say so. */
import vitestConfig from "../../../vitest.config";
import { type AstNode, isNode, lineOf, literalText, visit } from "../sourceTree";
import type { SourceRule } from "./types";

const TEST_API = new Set(["it", "test", "describe", "suite", "bench"]);

interface VitestProjects {
  test: { projects: Array<{ test: { include: string[] } }> };
}

/** `lib/**\/*.test.ts` as an expression; the configuration uses `**\/` and `*` only. */
function globExpression(glob: string): RegExp {
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\*\*\/|\*/g, (star) => (star === "*" ? "[^/]*" : "(.*/)?"))}$`);
}

/** What the vitest projects and Playwright (testDir of its configuration) pick up. */
const RUN_FILES = [
  ...(vitestConfig as VitestProjects).test.projects.flatMap(({ test }) => test.include.map(globExpression)),
  /^tests\/e2e\/.*\.spec\.ts$/,
];

/** `it.only` → ["it", "only"]; also for `test.describe.only`. */
function chainOf(node: unknown): string[] {
  if (!isNode(node)) return [];
  if (node.type === "Identifier") return [node.name as string];
  if (node.type === "MemberExpression" && node.computed === false) {
    return [...chainOf(node.object), (node.property as AstNode).name as string];
  }
  return node.type === "CallExpression" ? chainOf(node.callee) : [];
}

/** `test.skip(condition, "why")` and `context.skip("why")` give a reason; `it.skip("title", body)` gives none. */
function skipHasReason(node: AstNode, chain: string[]): boolean {
  const [first, second] = node.arguments as AstNode[];
  if (!TEST_API.has(chain[0] ?? "")) return isReason(first);
  return isReason(second);
}

function isReason(node: AstNode | undefined): boolean {
  if (node === undefined) return false;
  return node.type === "TemplateLiteral" || (literalText(node) ?? "").trim() !== "";
}

function fault(node: AstNode): string | null {
  if (node.type !== "CallExpression" || !isNode(node.callee)) return null;
  const chain = chainOf(node.callee);
  const last = chain.at(-1);
  const ofTestApi = TEST_API.has(chain[0] ?? "");
  if (ofTestApi && chain.includes("only")) return "keeps every other test from running (.only)";
  if (ofTestApi && (last === "todo" || last === "fixme")) return `.${last} passes for a test`;
  if (last === "skip" && chain.length > 1 && !skipHasReason(node, chain)) {
    return 'skips without a reason: use context.skip("why") or test.skip(condition, "why")';
  }
  // `it.skipIf(condition)(title, body)`: the reason stands in the title, which the report prints.
  if (node.callee.type === "CallExpression" && /^(skipIf|runIf)$/.test(last ?? "") && ofTestApi) {
    const title = (node.arguments as AstNode[])[0];
    const text = literalText(title) ?? "";
    if (title?.type !== "TemplateLiteral" && !/\b(needs|when|unless|without|skipped)\b/.test(text)) {
      return `.${last} without the reason in the title ("... (needs ...)")`;
    }
  }
  return null;
}

export const testRules: SourceRule[] = [
  {
    name: "every-test-file-runs",
    why: "A test that no runner picks up passes for ever.",
    check: (tree) =>
      tree.sources
        .filter(({ path }) => /\.(test|spec)\.tsx?$/.test(path))
        .filter(({ path }) => !RUN_FILES.some((pattern) => pattern.test(path)))
        .map(({ path }) => ({ path, message: "is in no project of vitest.config.ts nor in tests/e2e" })),
  },
  {
    name: "no-test-left-out-silently",
    why: "A green suite that ran half of its tests proves nothing.",
    check: (tree) =>
      tree.sources
        .filter((file) => /\.(test|spec)\.tsx?$/.test(file.path))
        .flatMap((file) => {
          const found: Array<{ path: string; line: number; message: string }> = [];
          visit(file.ast, (node) => {
            const message = fault(node);
            if (message !== null) found.push({ path: file.path, line: lineOf(file, node), message });
          });
          return found;
        }),
  },
];
