import { dirname, join } from "node:path";
import { type Context, runInContext, Script } from "node:vm";
import type { ExportedSchema } from "../catalog/applySchema";
import type { ValidatorJson } from "../catalog/validators";
import type { ComponentInstance } from "../components/instances";
import type { FunctionKind } from "../runtime/callState";
import { registerSourceMap } from "../runtime/sourceMaps";
import { OperatorError } from "../store/store";
import { bundleDefaultRuntime, bundleNodeRuntime } from "./bundle";
import { type EntryPoint, externalPackagesOf, findConfigFile, findEntryPoints } from "./entryPoints";

/** A function that the folder registers, with its exported validators. */
export interface RegisteredFunction {
  /** The instance that it belongs to. */
  component: ComponentInstance;
  path: string;
  kind: FunctionKind;
  isPublic: boolean;
  runtime: "default" | "node";
  args: ValidatorJson;
  returns: ValidatorJson | null;
  /** Runs it on the JSON text of a one-element argument array; resolves to the JSON text of the result. */
  invoke(argsText: string, requestId: string): Promise<string>;
}

export interface HttpRouterModule {
  lookup(path: string, method: string): [HttpActionFunction, string, string] | null;
  getRoutes(): Array<[path: string, method: string, handler: unknown]>;
}

export interface HttpActionFunction {
  invokeHttpAction(request: Request): Promise<Response>;
}

export interface CronSpecification {
  name: string;
  args: unknown[];
  schedule: { type: string } & Record<string, number | string>;
}

export interface AuthProviderConfig {
  domain?: string;
  applicationID?: string;
  type?: string;
  issuer?: string;
  jwks?: string;
  algorithm?: string;
}

export interface LoadedFolder {
  functions: Map<string, RegisteredFunction>;
  schema: ExportedSchema | null;
  crons: Record<string, CronSpecification>;
  http: HttpRouterModule | null;
  authProviders: AuthProviderConfig[];
}

type ModuleExports = Record<string, unknown>;
type RawFunction = ((...args: unknown[]) => unknown) & Record<string, unknown>;

function kindOf(value: RawFunction): FunctionKind | null {
  if (value.isQuery) return "query";
  if (value.isMutation) return "mutation";
  if (value.isAction) return "action";
  return value.isHttp ? "httpAction" : null;
}

function registerExports(
  functions: Map<string, RegisteredFunction>,
  component: ComponentInstance,
  modulePath: string,
  exports: ModuleExports,
  runtime: "default" | "node",
): void {
  for (const [name, value] of Object.entries(exports)) {
    const raw = value as RawFunction | null;
    const kind = typeof raw === "function" ? kindOf(raw) : null;
    if (!raw || !kind) continue;
    const path = `${modulePath}:${name}`;
    if (runtime === "node" && kind !== "action") {
      throw new OperatorError(`${path} is a ${kind}, but a "use node" module may export only actions.`);
    }
    functions.set(path, {
      component,
      path,
      kind,
      isPublic: Boolean(raw.isPublic),
      runtime,
      args: JSON.parse(
        (raw.exportArgs as (() => string) | undefined)?.() ?? '{"type":"any"}',
      ) as ValidatorJson,
      returns: JSON.parse(
        (raw.exportReturns as (() => string) | undefined)?.() ?? "null",
      ) as ValidatorJson | null,
      invoke: (argsText, requestId) => {
        if (kind === "query") return (raw.invokeQuery as (args: string) => Promise<string>)(argsText);
        if (kind === "mutation") return (raw.invokeMutation as (args: string) => Promise<string>)(argsText);
        return (raw.invokeAction as (id: string, args: string) => Promise<string>)(requestId, argsText);
      },
    });
  }
}

async function evaluate<T>(modulePath: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const text = (error as Error)?.stack ?? String(error);
    throw new OperatorError(`The module ${modulePath} of the functions folder failed to load: ${text}`);
  }
}

/** Loads in this process, so that each bundle has a name of its own in stack frames. */
let loads = 0;

/** A bundled functions folder, ready to be evaluated once for each instance of its component. */
export interface BundledFolder {
  script: Script;
  defaultModules: string[];
  /** URLs of the "use node" modules by module path. */
  nodeModules: Map<string, string>;
}

/** Bundles a functions folder. `bundleDir` takes the "use node" modules; a folder of a component (null) may have none. */
export async function bundleFolder(functionsDir: string, bundleDir: string | null): Promise<BundledFolder> {
  const workingDir = dirname(functionsDir);
  const entries = findEntryPoints(functionsDir);
  const nodeEntries = entries.filter((entry) => entry.isNode);
  if (bundleDir === null && nodeEntries[0]) {
    throw new OperatorError(
      `"use node" directive is not supported in components. Remove it from the component at: ${nodeEntries[0].file}.`,
    );
  }
  const configs: EntryPoint[] = [];
  for (const name of ["schema", "auth.config"]) {
    const file = findConfigFile(functionsDir, name);
    if (file) configs.push({ file, modulePath: name, isNode: false });
  }
  const defaults = [...entries.filter((entry) => !entry.isNode), ...configs];
  const [bundle, nodeModules] = await Promise.all([
    bundleDefaultRuntime(defaults, workingDir),
    bundleDir === null
      ? new Map<string, string>()
      : bundleNodeRuntime(nodeEntries, {
          workingDir,
          functionsDir,
          outDir: join(bundleDir, "node"),
          externalPackages: externalPackagesOf(functionsDir),
        }),
  ]);
  const filename = `convex-functions-${++loads}.js`;
  registerSourceMap(filename, {
    load: () => bundle.sourceMap,
    sourcesFrom: workingDir,
    namedFrom: workingDir,
  });
  return {
    script: new Script(bundle.script, { filename }),
    defaultModules: defaults.map(({ modulePath }) => modulePath),
    nodeModules,
  };
}

/** Evaluates a folder for one instance: default modules in `context`, "use node" modules in this realm. */
export async function evaluateFolder(
  { script, defaultModules, nodeModules }: BundledFolder,
  context: Context,
  component: ComponentInstance,
): Promise<LoadedFolder> {
  script.runInContext(context);
  const loaders = runInContext("__convexModules.modules", context) as Record<
    string,
    () => Promise<ModuleExports>
  >;

  const functions = new Map<string, RegisteredFunction>();
  const modules = new Map<string, ModuleExports>();
  for (const modulePath of defaultModules) {
    const exports = await evaluate(modulePath, loaders[modulePath]!);
    modules.set(modulePath, exports);
    if (modulePath !== "schema" && modulePath !== "auth.config") {
      registerExports(functions, component, modulePath, exports, "default");
    }
  }
  for (const [modulePath, url] of nodeModules) {
    registerExports(
      functions,
      component,
      modulePath,
      await evaluate(modulePath, () => import(/* @vite-ignore */ url) as Promise<ModuleExports>),
      "node",
    );
  }
  const defaultOf = <T>(name: string) => (modules.get(name)?.default ?? null) as T | null;
  const schema = defaultOf<{ export(): string }>("schema");
  const crons = defaultOf<{ export(): string }>("crons");
  return {
    functions,
    schema: schema ? (JSON.parse(schema.export()) as ExportedSchema) : null,
    crons: crons ? (JSON.parse(crons.export()) as Record<string, CronSpecification>) : {},
    http: defaultOf<HttpRouterModule>("http"),
    authProviders: defaultOf<{ providers: AuthProviderConfig[] }>("auth.config")?.providers ?? [],
  };
}

/** "dir/file.js:fn" or "dir/file" to the canonical "dir/file:fn". */
export function canonicalPath(path: string): string {
  const [module, name] = path.split(":", 2) as [string, string | undefined];
  return `${module.replace(/\.(js|ts|tsx|jsx|mjs)$/, "")}:${name ?? "default"}`;
}

/** The form of a canonical path that Convex's sentences and system tables show: `module.js:name`. */
export function displayedPath(path: string): string {
  return path.replace(":", ".js:");
}
