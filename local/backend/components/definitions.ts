import { existsSync } from "node:fs";
import { dirname, relative, sep } from "node:path";
import { type Context, runInContext, Script } from "node:vm";
import { build, type Plugin } from "esbuild";
import type { ValidatorJson } from "../catalog/validators";
import { BUNDLE_FOR_CONTEXT, explain } from "../loader/bundle";
import { findConfigFile } from "../loader/entryPoints";
import { OperatorError } from "../store/store";

/** How a parent gives a child's declared variable its value. */
export type EnvBinding = { type: "value"; value: string } | { type: "envVar"; name: string };

/** What one `convex.config` declares; several instances may share it. */
export interface ComponentDefinition {
  /** Absolute path of the functions folder. */
  directory: string;
  /** Name that an instance has unless its parent says otherwise. */
  name: string;
  children: Array<{
    name: string;
    definition: ComponentDefinition;
    env: Array<[string, EnvBinding]>;
    /** How the parent imports the child's `convex.config`. */
    specifier: string;
  }>;
  /** Child name by path prefix, which ends with a slash. */
  httpMounts: Map<string, string>;
  /** Prefix of all of the app's own routes; "/" when it has none. */
  httpPrefix: string;
  envVars: Array<{ name: string; validator: ValidatorJson; isOptional: boolean }>;
}

/** What `defineApp().export()` and `defineComponent().export()` give. */
interface ExportedDefinition {
  definitionType: { type: string; name?: string };
  httpPrefix?: string;
  childComponents: Array<{ name: string; path: string; env: Array<[string, EnvBinding]> | null }>;
  httpMounts: Record<string, string>;
  envVars?: Array<[string, { value: string; optional?: boolean }]>;
}

/** Replaces each imported `convex.config` by what `use()` needs of it, and notes how each file was imported. */
function childDefinitions(found: Map<string, string>): Plugin {
  return {
    name: "child-definitions",
    setup(build) {
      build.onResolve(
        { filter: /convex\.config(\.[jt]s)?$/ },
        async ({ path, kind, resolveDir, pluginData }) => {
          if (kind === "entry-point" || pluginData === "resolving") return null;
          const resolved = await build.resolve(path, { kind, resolveDir, pluginData: "resolving" });
          if (resolved.errors.length > 0) return { errors: resolved.errors };
          found.set(resolved.path, path);
          return { path: resolved.path, namespace: "child-definition" };
        },
      );
      build.onLoad({ filter: /.*/, namespace: "child-definition" }, ({ path }) => ({
        contents: `export default __childDefinitions[${JSON.stringify(path)}];`,
      }));
    },
  };
}

/** Loads the definition of an app folder and, through its imports, of every component below it. */
export class DefinitionLoader {
  private readonly loaded = new Map<string, ComponentDefinition>();
  private readonly imported: Record<string, { componentDefinitionPath: string; defaultName: string }> = {};

  constructor(
    private readonly appDirectory: string,
    private readonly context: Context,
  ) {
    (context as Record<string, unknown>).__childDefinitions = this.imported;
  }

  /** The app's definition; one without children when the folder has no `convex.config`. Throws OperatorError. */
  async app(): Promise<ComponentDefinition> {
    const directory = this.appDirectory;
    const file = existsSync(directory) ? findConfigFile(directory, "convex.config") : null;
    if (file) return this.load(file, []);
    return { directory, name: "", children: [], httpMounts: new Map(), httpPrefix: "/", envVars: [] };
  }

  private async load(file: string, importers: string[]): Promise<ComponentDefinition> {
    const known = this.loaded.get(file);
    if (known) return known;
    if (importers.includes(file)) {
      throw new OperatorError(`Components use each other in a circle: ${[...importers, file].join(" -> ")}.`);
    }
    const found = new Map<string, string>();
    const bundled = await build({
      ...BUNDLE_FOR_CONTEXT,
      entryPoints: [file],
      absWorkingDir: dirname(this.appDirectory),
      globalName: "__definition",
      plugins: [childDefinitions(found)],
    }).catch((error) => explain(error, dirname(this.appDirectory)));
    for (const child of found.keys()) {
      const { name } = await this.load(child, [...importers, file]);
      const path = relative(this.appDirectory, dirname(child)).split(sep).join("/");
      this.imported[child] = { componentDefinitionPath: path, defaultName: name };
    }
    const exported = this.evaluate(file, bundled.outputFiles[0]!.text);
    const byPath = new Map(
      [...found.keys()].map((child) => [this.imported[child]!.componentDefinitionPath, child]),
    );
    const definition: ComponentDefinition = {
      directory: dirname(file),
      name: exported.definitionType.name ?? "",
      children: exported.childComponents.map(({ name, path, env }) => {
        const child = byPath.get(path)!;
        return { name, definition: this.loaded.get(child)!, env: env ?? [], specifier: found.get(child)! };
      }),
      httpMounts: new Map(
        Object.entries(exported.httpMounts).map(([prefix, child]) => [prefix, child.split("/").at(-1)!]),
      ),
      httpPrefix: exported.httpPrefix ?? "/",
      envVars: (exported.envVars ?? []).map(([name, { value, optional }]) => ({
        name,
        validator: JSON.parse(value) as ValidatorJson,
        isOptional: optional ?? false,
      })),
    };
    this.loaded.set(file, definition);
    return definition;
  }

  private evaluate(file: string, script: string): ExportedDefinition {
    try {
      new Script(script, { filename: file }).runInContext(this.context);
      return JSON.parse(
        runInContext("JSON.stringify(__definition.default.export())", this.context) as string,
      ) as ExportedDefinition;
    } catch (error) {
      throw new OperatorError(
        `${file} must export what defineApp() or defineComponent() gives: ${(error as Error)?.message ?? error}`,
      );
    }
  }
}
