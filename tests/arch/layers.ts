/**
 * Runs dependency-cruiser with `.dependency-cruiser.cjs` over a tree.
 *
 * dependency-cruiser reads TypeScript through the compiler's JavaScript API, which TypeScript 7 does not have.
 * So each source is projected to a JavaScript file of the same name that holds its imports and nothing else:
 * `import "x"` for a value, `typeOnly("x")` for a type, which the configuration names as an exotic require.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix, relative } from "node:path";
import { cruise, type ICruiseResult, type IFlattenedRuleSet } from "dependency-cruiser";
import { importsOf } from "./imports";
import type { Finding, SourceFile, SourceTree } from "./sourceTree";

const projectRoot = join(import.meta.dirname, "../..");
const config = createRequire(import.meta.url)("../../.dependency-cruiser.cjs") as IFlattenedRuleSet & {
  options: Record<string, unknown>;
};

/** The names of the rules in `.dependency-cruiser.cjs`. */
export const LAYER_RULES: string[] = (config.forbidden ?? []).map((rule) => rule.name ?? "unnamed");

/** As seen from the projection: the one alias, `@/`, is the root, and `node_modules` stayed where it is. */
function projectedSpecifier(from: string, specifier: string): string {
  const packagePath = /^(\.\.\/)+(node_modules\/.*)$/.exec(specifier)?.[2];
  if (packagePath !== undefined) return join(projectRoot, packagePath);
  if (!specifier.startsWith("@/")) return specifier;
  const path = posix.relative(posix.dirname(from), specifier.slice(2));
  return path.startsWith(".") ? path : `./${path}`;
}

function projection(file: SourceFile): string {
  return importsOf(file)
    .filter(({ specifier }) => !/\.(css|json|svg|png)$/.test(specifier))
    .map(({ specifier, typeOnly }) => {
      const target = JSON.stringify(projectedSpecifier(file.path, specifier));
      return typeOnly ? `typeOnly(${target});` : `import ${target};`;
    })
    .join("\n");
}

function project(tree: SourceTree, into: string): Map<string, string> {
  const originals = new Map<string, string>();
  const write = (path: string, text: string, original: string) => {
    const target = join(into, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    originals.set(path, original);
  };
  // Code that is not parsed (generated, AssemblyScript output) is a leaf: reachable, importing nothing.
  for (const { path } of tree.files) {
    if (/\.(tsx?|[cm]?js)$/.test(path)) write(path.replace(/(\.d)?\.(tsx?|[cm]?js)$/, ".js"), "", path);
  }
  for (const file of tree.sources) write(file.path.replace(/\.tsx?$/, ".js"), projection(file), file.path);
  return originals;
}

/** Violations of the dependency rules, one finding each. */
export async function checkLayers(tree: SourceTree): Promise<Finding[]> {
  // Inside the project, so that packages resolve as they do for the sources.
  mkdirSync(join(projectRoot, "build"), { recursive: true });
  const mirror = mkdtempSync(join(projectRoot, "build/arch-"));
  try {
    const originals = project(tree, mirror);
    copyFileSync(join(projectRoot, "package.json"), join(mirror, "package.json"));
    const { output } = await cruise(
      ["."],
      { ...config.options, baseDir: mirror, validate: true, ruleSet: { forbidden: config.forbidden } },
      { exportsFields: ["exports"], conditionNames: ["import", "node", "default", "types"] } as never,
    );
    const original = (path: string) =>
      originals.get(path) ?? relative(projectRoot, join(mirror, path)).replace(/^(\.\.\/)*/, "");
    return (output as ICruiseResult).summary.violations.map(({ rule, from, to, cycle }) => ({
      rule: rule.name,
      path: original(from),
      message:
        cycle === undefined
          ? `imports ${original(to)}`
          : `closes a cycle: ${cycle.map(({ name }) => original(name)).join(" → ")}`,
    }));
  } finally {
    rmSync(mirror, { recursive: true, force: true });
  }
}
