import { createHash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { type BuildFailure, type BuildOptions, build, type Plugin } from "esbuild";
import { registerSourceMapFile } from "../runtime/sourceMaps";
import { OperatorError } from "../store/store";
import { convexValues } from "./convexValues";
import type { EntryPoint } from "./entryPoints";
import { generatedModules } from "./generated";

const DEFINE = { "process.env.NODE_ENV": '"production"' };

/** Options of a script for a default-runtime context: whatever needs Node built-ins does not build. */
export const BUNDLE_FOR_CONTEXT = {
  bundle: true,
  write: false,
  format: "iife",
  platform: "browser",
  target: "esnext",
  conditions: ["convex", "module"],
  define: DEFINE,
  logLevel: "silent",
} satisfies BuildOptions;

/** Packages that only mark a module for another bundler are empty here. */
const markerPackages: Plugin = {
  name: "marker-packages",
  setup(build) {
    build.onResolve({ filter: /^(server-only|client-only)$/ }, ({ path }) => ({ path, namespace: "marker" }));
    build.onLoad({ filter: /.*/, namespace: "marker" }, () => ({ contents: "export {};" }));
  },
};

/** Keeps named packages out of the bundle, pinned to the files that the functions folder itself resolves. */
function externals(packages: string[], resolveDir: string): Plugin {
  const all = packages.includes("*");
  return {
    name: "external-packages",
    setup(build) {
      build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, pluginData }) => {
        if (pluginData === "resolving" || path.startsWith("node:")) return null;
        const name = path.split("/", path.startsWith("@") ? 2 : 1).join("/");
        if (!all && !packages.includes(name)) return null;
        const found = await build.resolve(path, { kind, resolveDir, pluginData: "resolving" });
        if (found.errors.length > 0 || !found.path.startsWith("/")) return null;
        return { path: pathToFileURL(found.path).href, external: true };
      });
    },
  };
}

/** Turns a failed build of something in `workingDir` into a sentence with the place of each fault. */
export function explain(error: unknown, workingDir: string): never {
  const errors = (error as BuildFailure).errors;
  if (!Array.isArray(errors)) throw error;
  const lines = errors.slice(0, 5).map(({ text, location }) => {
    const where = location ? `${location.file}:${location.line}:${location.column}: ` : "";
    const hint = /Could not resolve "(node:)?[a-z_/]+"/.test(text)
      ? ' (the default runtime has no Node built-ins; a module that needs them starts with "use node" and exports only actions)'
      : "";
    return `${where}${text.split("\n")[0]}${hint}`;
  });
  throw new OperatorError(`The functions in ${workingDir} do not build:\n${lines.join("\n")}`);
}

/** Notes one importing file of each file; `build.resolve` inside it asks the plugins and resolvers behind it. */
function importerRecorder(importers: Map<string, string>): Plugin {
  const asked = {};
  return {
    name: "importers",
    setup(build) {
      build.onResolve({ filter: /.*/ }, async ({ path, importer, kind, resolveDir, pluginData }) => {
        if (pluginData === asked) return null;
        const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: asked });
        // Every file of the folder is an entry point: what another file says of it tells more.
        if (found.errors.length === 0 && !importers.get(found.path)?.startsWith("/")) {
          importers.set(found.path, importer);
        }
        return null;
      });
    },
  };
}

/** Builds again to learn how the files of a failed build came in, and adds the import chain of each unresolved import. */
async function explainWithChains(
  options: BuildOptions,
  workingDir: string,
  failure: unknown,
): Promise<never> {
  const errors = (failure as Partial<BuildFailure>).errors ?? [];
  const importers = new Map<string, string>();
  await build({ ...options, plugins: [importerRecorder(importers), ...(options.plugins ?? [])] }).catch(
    () => null,
  );
  for (const error of errors) {
    const missing = error.text.match(/^Could not resolve "(.+?)"/)?.[1];
    if (missing === undefined || !error.location) continue;
    const chain: string[] = [];
    let file: string | undefined = resolve(workingDir, error.location.file);
    while (file?.startsWith("/") && !chain.includes(file)) {
      chain.unshift(file);
      file = importers.get(file);
    }
    const names = chain.map((step) => relative(workingDir, step));
    error.text = `${error.text.split("\n")[0]}. Import chain: ${[...names, missing].join(" -> ")}`;
  }
  return explain(failure, workingDir);
}

/** One script that leaves `{ modulePath: () => Promise<module> }` in the global `__convexModules`. */
export async function bundleDefaultRuntime(
  entries: EntryPoint[],
  workingDir: string,
): Promise<{ script: string; sourceMap: string }> {
  const table = entries.map(
    ({ modulePath, file }) => `${JSON.stringify(modulePath)}: () => import(${JSON.stringify(file)})`,
  );
  const options = {
    stdin: {
      contents: `export const modules = {${table.join(",\n")}};`,
      resolveDir: workingDir,
      loader: "js" as const,
    },
    ...BUNDLE_FOR_CONTEXT,
    absWorkingDir: workingDir,
    globalName: "__convexModules",
    plugins: [markerPackages, generatedModules, convexValues],
    sourcemap: "external",
    outfile: join(workingDir, "functions.js"),
  } satisfies BuildOptions;
  const result = await build(options).catch((error) => explainWithChains(options, workingDir, error));
  const textOf = (suffix: string) => result.outputFiles.find(({ path }) => path.endsWith(suffix))!.text;
  return { script: textOf(".js"), sourceMap: textOf(".js.map") };
}

/** Bundles the "use node" modules into `outDir` as ES modules for the host; returns their URLs by module path. */
export async function bundleNodeRuntime(
  entries: EntryPoint[],
  options: { workingDir: string; functionsDir: string; outDir: string; externalPackages: string[] },
): Promise<Map<string, string>> {
  rmSync(options.outDir, { recursive: true, force: true });
  const urls = new Map<string, string>();
  if (entries.length === 0) return urls;
  mkdirSync(options.outDir, { recursive: true });
  // A fresh name per load: the host caches modules by URL.
  const version = createHash("sha256")
    .update(`${process.pid}${process.hrtime.bigint()}`)
    .digest("hex")
    .slice(0, 12);
  const result = await build({
    entryPoints: Object.fromEntries(
      entries.map(({ modulePath, file }) => [`${version}/${modulePath}`, file]),
    ),
    absWorkingDir: options.workingDir,
    bundle: true,
    outdir: options.outDir,
    outExtension: { ".js": ".mjs" },
    format: "esm",
    splitting: true,
    platform: "node",
    target: "node20",
    conditions: ["convex", "module"],
    define: { ...DEFINE, "process.env": "globalThis.__convexEnv", console: "globalThis.__convexConsole" },
    banner: {
      js: `import { createRequire as __createRequire } from "node:module"; const require = __createRequire(${JSON.stringify(
        join(options.functionsDir, "index.js"),
      )});`,
    },
    plugins: [markerPackages, generatedModules, externals(options.externalPackages, options.functionsDir)],
    logLevel: "silent",
    sourcemap: "external",
    metafile: true,
  }).catch((error) => explain(error, options.workingDir));
  for (const output of Object.keys(result.metafile.outputs)) {
    if (output.endsWith(".mjs")) registerSourceMapFile(join(options.workingDir, output), options.workingDir);
  }
  for (const { modulePath } of entries) {
    urls.set(modulePath, pathToFileURL(join(options.outDir, version, `${modulePath}.mjs`)).href);
  }
  return urls;
}
