import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { Plugin } from "esbuild";

/** What `npx convex codegen` writes for these modules; the others hold types only. */
const CONTENTS: Record<string, string> = {
  server: `
    import * as server from "convex/server";
    export const query = server.queryGeneric;
    export const internalQuery = server.internalQueryGeneric;
    export const mutation = server.mutationGeneric;
    export const internalMutation = server.internalMutationGeneric;
    export const action = server.actionGeneric;
    export const internalAction = server.internalActionGeneric;
    export const httpAction = server.httpActionGeneric;
    export const env = process.env;`,
  api: `
    import { anyApi, componentsGeneric } from "convex/server";
    export const api = anyApi;
    export const internal = anyApi;
    export const components = componentsGeneric();`,
};

/** Stands in for a `_generated` folder that is not there: many examples leave it out of their repository. */
export const generatedModules: Plugin = {
  name: "generated-modules",
  setup(build) {
    build.onResolve({ filter: /\/_generated\/\w+(\.[jt]s)?$/ }, ({ path, resolveDir }) => {
      const file = resolve(resolveDir, path);
      if (!path.startsWith(".") || existsSync(dirname(file))) return null;
      return { path: file.replace(/\.[jt]s$/, ""), namespace: "generated" };
    });
    build.onLoad({ filter: /.*/, namespace: "generated" }, ({ path }) => ({
      contents: CONTENTS[basename(path)] ?? "export {};",
      resolveDir: dirname(dirname(path)),
    }));
  },
};
