import type { Backend } from "../backend";
import { parseAddress } from "../components/address";
import type { ComponentInstance } from "../components/instances";
import type { RegisteredFunction } from "../loader/modules";
import { currentCall } from "../runtime/callContext";
import { readPage } from "../transaction/pages";
import type { Transaction } from "../transaction/transaction";
import type { JsonObject, JsonValue } from "../values/encoded";
import { ENVIRONMENT_KEY } from "./environment";
import { readState } from "./state";

export interface SystemCall {
  backend: Backend;
  component: ComponentInstance;
  tx: Transaction;
  args: JsonObject;
}

type SystemQuery = (call: SystemCall) => JsonValue | Promise<JsonValue>;

/** Room in one page of table data; the command line asks again until it has what it wants. */
const PAGE_ROWS = 4096;
const PAGE_BYTES = 8 << 20;
const KINDS = { query: "Query", mutation: "Mutation", action: "Action", httpAction: "HttpAction" };

/** True for the backend's own functions, which no user of it wrote. */
export function isSystemPath(address: string): boolean {
  return address.startsWith("_system/") || address.includes(";_system/");
}

function onePage(page: JsonValue[]): JsonObject {
  return { page, isDone: true, continueCursor: "end" };
}

async function tableData({ tx, args }: SystemCall): Promise<JsonValue> {
  const options = (args.paginationOpts ?? {}) as { cursor?: string | null; numItems?: number };
  const page = await readPage(tx, {
    query: {
      source: {
        type: "FullTableScan",
        tableName: String(args.table),
        order: args.order === "asc" ? "asc" : "desc",
      },
      operators: [],
    },
    cursor: options.cursor ?? null,
    endCursor: null,
    pageSize: Math.min(options.numItems ?? PAGE_ROWS, PAGE_ROWS),
    maximumRowsRead: PAGE_ROWS,
    maximumBytesRead: PAGE_BYTES,
  });
  const { documents, isDone, continueCursor } = page;
  return { page: documents.map((text) => JSON.parse(text) as JsonValue), isDone, continueCursor };
}

function environmentVariables({ tx }: SystemCall): Array<{ name: string; value: string }> {
  const stored = (readState(tx, ENVIRONMENT_KEY) ?? {}) as Record<string, string>;
  return Object.keys(stored)
    .sort()
    .map((name) => ({ name, value: stored[name]! }));
}

function apiSpec({ component }: SystemCall): JsonValue {
  const functions: JsonObject[] = [...component.functions.values()]
    .filter(({ path, kind }) => !isSystemPath(path) && kind !== "httpAction")
    .map(({ path, kind, args, returns, isPublic }) => ({
      args: args as unknown as JsonObject,
      functionType: KINDS[kind],
      identifier: parseAddress(path).path.replace(":", ".js:"),
      returns: (returns ?? { type: "any" }) as unknown as JsonObject,
      visibility: { kind: isPublic ? "public" : "internal" },
    }))
    .sort((a, b) => (a.identifier < b.identifier ? -1 : 1));
  const routes = (component.http?.getRoutes() ?? []).map(([path, method]) => ({
    functionType: "HttpAction",
    method,
    path,
  }));
  return [...functions, ...routes];
}

/** What the stock command line asks a deployment, by function path. */
const QUERIES: Record<string, SystemQuery> = {
  "_system/cli/tables": ({ tx }) =>
    onePage(
      [...tx.namespace.byName.keys()].filter((name) => !name.startsWith("_")).map((name) => ({ name })),
    ),
  "_system/cli/tableData": tableData,
  "_system/cli/queryEnvironmentVariables": environmentVariables,
  "_system/cli/queryEnvironmentVariables:get": (call) =>
    environmentVariables(call).find(({ name }) => name === call.args.name) ?? null,
  "_system/cli/exports:getLatest": (call) => call.backend.exports.latest(call),
  "_system/cli/queryImport": (call) => call.backend.imports.get(call),
  "_system/cli/queryImport:list": (call) => call.backend.imports.list(call),
  "_system/cli/modules:apiSpec": apiSpec,
  "_system/cli/convexUrl:cloudUrl": ({ backend }) => backend.urls.cloud,
  "_system/cli/convexUrl:siteUrl": ({ backend }) => backend.urls.site,
};

function register(component: ComponentInstance, path: string, run: SystemQuery): RegisteredFunction {
  return {
    component,
    path,
    kind: "query",
    isPublic: false,
    runtime: "default",
    args: { type: "any" },
    returns: null,
    async invoke(argsText) {
      const { root, tx } = currentCall()!;
      if (!root.caller.admin) throw new Error(`${path} needs the admin key.`);
      const [args] = JSON.parse(argsText) as [JsonObject];
      return JSON.stringify(await run({ backend: root.backend, component, tx: tx!, args }));
    },
  };
}

/** The queries of the command line as internal functions of an instance: they subscribe and page like any other. */
export function systemFunctions(component: ComponentInstance): Array<[string, RegisteredFunction]> {
  return Object.entries(QUERIES).map(([path, run]) => {
    const canonical = path.includes(":") ? path : `${path}:default`;
    return [canonical, register(component, canonical, run)];
  });
}
