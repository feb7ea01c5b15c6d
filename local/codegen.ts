/**
 * Generates `_generated` without a deployment: `npm run codegen`. The stock generator writes `components` only with one, so they
 * are added here, as it would: untyped in api.js, and in api.d.ts the API that each component's package declares.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { type ComponentDefinition, DefinitionLoader } from "./backend/components/definitions";
import { systemPorts } from "./backend/ports";
import { createDefaultRuntime } from "./backend/runtime/globals";

/** Where a child's types are: its package, or its folder from `_generated`. */
function packageOf(app: ComponentDefinition, child: ComponentDefinition["children"][number]): string {
  const specifier = child.specifier.replace(/\/convex\.config.*$/, "");
  if (!specifier.startsWith(".")) return specifier;
  return `../${relative(app.directory, child.definition.directory).split(sep).join("/")}`;
}

/** The two generated files with `components` added. */
export function withComponents(
  app: ComponentDefinition,
  files: { js: string; dts: string },
): { js: string; dts: string } {
  const lines = app.children.map((child) => {
    const path = `${packageOf(app, child)}/_generated/component.js`;
    return `  ${child.name}: import("${path}").ComponentApi<"${child.name}">;\n`;
  });
  return {
    js: `${files.js
      .replace("import { anyApi } from", "import { anyApi, componentsGeneric } from")
      .trimEnd()}\nexport const components = componentsGeneric();\n`,
    dts: `${files.dts.trimEnd()}\n\nexport declare const components: {\n${lines.join("")}};\n`,
  };
}

async function main(): Promise<void> {
  const require = createRequire(join(process.cwd(), "package.json"));
  const cli = join(dirname(require.resolve("convex/package.json")), "bin/main.js");
  const stock = spawnSync(
    process.execPath,
    [cli, "codegen", "--system-udfs", "--typecheck", "disable", ...process.argv.slice(2)],
    { stdio: "inherit" },
  );
  if (stock.status !== 0) process.exit(stock.status ?? 1);
  const config = existsSync("convex.json") ? JSON.parse(readFileSync("convex.json", "utf8")) : {};
  const directory = resolve(config.functions ?? "convex");
  const app = await new DefinitionLoader(directory, createDefaultRuntime({}, systemPorts)).app();
  if (app.children.length === 0) return;
  const at = (name: string) => join(directory, "_generated", name);
  const files = withComponents(app, {
    js: readFileSync(at("api.js"), "utf8"),
    dts: readFileSync(at("api.d.ts"), "utf8"),
  });
  writeFileSync(at("api.js"), files.js);
  writeFileSync(at("api.d.ts"), files.dts);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main();
