/** Authority and ownership inside convex/: who builds functions, for whom, and who writes which table. */
import { importsOf } from "../imports";
import {
  type AstNode,
  isNode,
  isTestFile,
  lineOf,
  literalText,
  type SourceFile,
  type SourceTree,
  visit,
} from "../sourceTree";
import type { SourceRule } from "./types";

const RAW_BUILDER = /^(internal)?(Query|Mutation|Action)(Generic)?$/i;
/** Files of a domain that own its tables. An audience file never writes by itself. */
const WRITER_FILES = new Set(["model.ts", "ledger.ts", "promotion.ts"]);
const WRITES = new Set(["insert", "patch", "replace", "delete"]);

/** The builders each audience file may use; a file that is none of them may use none. */
const AUDIENCES: Record<string, RegExp> = {
  "console.ts": /^(viewer|operator|admin)(Query|Mutation)$|^identityQuery$|^anonymousMutation$/,
  "worker.ts": /^worker(Query|Mutation)$/,
  "api.ts": /^api(Query|Mutation)$/,
  "internal.ts": /^internal(Query|Mutation|Action)Of$/,
};
/** Node actions stand in files of their own, because "use node" holds for a whole file. */
const NODE_ACTION_FILE = /Actions\.ts$/;

const baseName = (path: string) => path.slice(path.lastIndexOf("/") + 1);
const domainOf = (path: string) => /^convex\/([^/]+)\//.exec(path)?.[1] ?? null;

function convexSources(tree: SourceTree): SourceFile[] {
  return tree.sources.filter((file) => file.path.startsWith("convex/") && !isTestFile(file.path));
}

/** Table name → domain, from the `name: defineTable(...)` of each domain's schema.ts. */
function tableOwners(tree: SourceTree): Map<string, string> {
  const owners = new Map<string, string>();
  for (const file of convexSources(tree)) {
    const domain = domainOf(file.path);
    if (domain === null || baseName(file.path) !== "schema.ts") continue;
    visit(file.ast, (node) => {
      if (node.type !== "Property") return;
      const key = node.key as AstNode;
      if (callsDefineTable(node.value)) owners.set((key.name ?? key.value) as string, domain);
    });
  }
  return owners;
}

/** `defineTable(...)` with any chain of `.index(...)` behind it. */
function callsDefineTable(node: unknown): boolean {
  if (!isNode(node) || node.type !== "CallExpression" || !isNode(node.callee)) return false;
  if (node.callee.type === "Identifier") return node.callee.name === "defineTable";
  return node.callee.type === "MemberExpression" && callsDefineTable(node.callee.object);
}

/** The method of a `db.insert(...)`, `ctx.db.patch(...)`, else null. */
function writeMethod(node: AstNode): string | null {
  if (node.type !== "CallExpression" || !isNode(node.callee) || node.callee.type !== "MemberExpression")
    return null;
  const { object, property } = node.callee;
  if (!isNode(object) || !isNode(property) || !WRITES.has(property.name as string)) return null;
  const holder = object.type === "MemberExpression" ? (object.property as AstNode).name : object.name;
  return holder === "db" ? (property.name as string) : null;
}

function writeFault(file: SourceFile, node: AstNode, owners: Map<string, string>): string | null {
  const method = writeMethod(node);
  if (method === null) return null;
  const domain = domainOf(file.path);
  if (domain === null || !WRITER_FILES.has(baseName(file.path))) {
    return `db.${method} outside ${[...WRITER_FILES].join(", ")} of a domain`;
  }
  if (method !== "insert") return null;
  const table = literalText((node.arguments as unknown[])[0]);
  if (table === null) return "db.insert into a table that is not written as a literal";
  const owner = owners.get(table);
  return owner === domain ? null : `writes ${table}, which belongs to ${owner ?? "no domain"}`;
}

export const controlPlaneRules: SourceRule[] = [
  {
    name: "raw-builders-in-one-file",
    why: "Every function proves who is calling; a raw query, mutation or action would answer anybody (invariant 10).",
    check: (tree) =>
      convexSources(tree)
        .filter((file) => file.path !== "convex/builders.ts")
        .flatMap((file) =>
          importsOf(file)
            .filter(({ specifier }) => /(^|\/)_generated\/server$|^convex\/server$/.test(specifier))
            .flatMap(({ names, node }) => names.map((name) => ({ name, node })))
            .filter(
              ({ name }) =>
                RAW_BUILDER.test(name) ||
                (/^httpAction(Generic)?$/.test(name) && file.path !== "convex/http.ts"),
            )
            .map(({ name, node }) => ({
              path: file.path,
              line: lineOf(file, node),
              message: `imports ${name}; use a builder of convex/builders.ts`,
            })),
        ),
  },
  {
    name: "file-says-who-may-call",
    why: "Authority can be read off the path: console.ts is for people, worker.ts for the service identity.",
    check: (tree) =>
      convexSources(tree).flatMap((file) => {
        const name = baseName(file.path);
        const allowed = NODE_ACTION_FILE.test(name) ? /^internalActionOf$/ : AUDIENCES[name];
        return importsOf(file)
          .filter(({ specifier }) => /(^|\/)builders$/.test(specifier))
          .flatMap(({ names, node }) => names.map((builder) => ({ builder, node })))
          .filter(({ builder }) => !allowed?.test(builder) && builder !== "assertFinite")
          .map(({ builder, node }) => ({
            path: file.path,
            line: lineOf(file, node),
            message: `uses ${builder}, which ${name} may not`,
          }));
      }),
  },
  {
    name: "one-writer-per-table",
    why: "A table's invariants hold only when one domain's model files write it (invariant 11).",
    check: (tree) => {
      const owners = tableOwners(tree);
      return convexSources(tree).flatMap((file) => {
        const found: Array<{ path: string; line: number; message: string }> = [];
        visit(file.ast, (node) => {
          const fault = writeFault(file, node, owners);
          if (fault !== null) found.push({ path: file.path, line: lineOf(file, node), message: fault });
        });
        return found;
      });
    },
  },
  {
    name: "convex-paths-have-no-hyphen",
    why: "Convex refuses a module path with a hyphen when it is deployed.",
    check: (tree) =>
      tree.files
        .filter(({ path }) => path.startsWith("convex/") && path.includes("-"))
        .map(({ path }) => ({ path, message: "has a hyphen in its path" })),
  },
];
