import type { IncomingMessage, ServerResponse } from "node:http";
import type { Backend } from "../backend";
import { formatAddress } from "../components/address";
import type { Caller } from "../runtime/callState";
import { RequestError } from "../runtime/errors";
import { fromQueryResult, type Outcome } from "../runtime/outcome";
import type { CallOptions } from "../runtime/runner";
import type { DatabaseSnapshot } from "../transaction/snapshot";
import { decodeTs, encodeTs, isPlainObject, type JsonValue, toCleanJson } from "../values/encoded";
import { readJson, sendJson } from "./respond";

/** Room for 16 MiB of arguments in base64 JSON. */
const MAX_BODY_BYTES = 32 << 20;

interface FunctionCall {
  path: string;
  args: JsonValue;
  isEncoded: boolean;
}

function callOf(body: Record<string, unknown>): FunctionCall {
  const { path, args, format } = body;
  if (typeof path !== "string")
    throw new RequestError(400, "BadRequest", 'The field "path" must name a function.');
  const given = (Array.isArray(args) ? args[0] : args) ?? {};
  if (!isPlainObject(given as JsonValue)) {
    throw new RequestError(
      400,
      "BadRequest",
      'The field "args" must be an object or an array that holds one.',
    );
  }
  if (format !== undefined && format !== "json" && format !== "convex_encoded_json") {
    throw new RequestError(
      400,
      "BadRequest",
      `Unknown format ${JSON.stringify(format)}: use json or convex_encoded_json.`,
    );
  }
  const component = body.componentPath ?? "";
  if (typeof component !== "string")
    throw new RequestError(400, "BadRequest", 'The field "componentPath" must be a string.');
  return {
    path: formatAddress({ component, path }),
    args: given as JsonValue,
    isEncoded: format === "convex_encoded_json",
  };
}

/** JSON text of how a call ended, in the format that the caller asked for, in parts. */
function outcomeText(outcome: Outcome, isEncoded: boolean): string[] {
  const logLines = `"logLines":${JSON.stringify(outcome.logLines)}`;
  if (outcome.ok) {
    const value = isEncoded
      ? outcome.valueText
      : JSON.stringify(toCleanJson(JSON.parse(outcome.valueText) as JsonValue));
    return ['{"status":"success","value":', value, `,${logLines}}`];
  }
  const { errorData } = outcome;
  const data =
    errorData === undefined
      ? ""
      : `,"errorData":${JSON.stringify(isEncoded ? errorData : toCleanJson(errorData))}`;
  return [`{"status":"error","errorMessage":${JSON.stringify(outcome.errorMessage)}${data},${logLines}}`];
}

function optionsFor(request: IncomingMessage, caller: Caller): CallOptions {
  const metadata = {
    ip: request.socket.remoteAddress ?? null,
    userAgent: request.headers["user-agent"] ?? null,
  };
  return { caller, request: metadata, internal: caller.admin };
}

async function run(
  backend: Backend,
  kind: string,
  call: FunctionCall,
  options: CallOptions,
): Promise<Outcome> {
  switch (kind) {
    case "query":
      return backend.runner.queryNow(call.path, call.args, options);
    case "mutation":
      return (await backend.runner.mutation(call.path, call.args, options)).value;
    case "action":
      return backend.runner.action(call.path, call.args, options);
    default: {
      const kind = backend.components.find(call.path)?.kind;
      const known = kind !== undefined && kind !== "httpAction";
      return run(backend, known ? kind : "query", call, options);
    }
  }
}

/** Runs queries on one published state. */
async function runAt(
  backend: Backend,
  snapshot: DatabaseSnapshot,
  calls: FunctionCall[],
  options: CallOptions,
): Promise<Outcome[]> {
  try {
    return await Promise.all(
      calls.map(async ({ path, args }) =>
        fromQueryResult((await backend.runner.query(path, args, options, snapshot)).result),
      ),
    );
  } finally {
    snapshot.release();
  }
}

function batchOf(body: Record<string, unknown>): FunctionCall[] {
  const { queries } = body;
  if (!Array.isArray(queries) || !queries.every((query) => isPlainObject(query as JsonValue))) {
    throw new RequestError(
      400,
      "BadRequest",
      'The field "queries" must be an array of {path, args, format}.',
    );
  }
  return (queries as Array<Record<string, unknown>>).map(callOf);
}

/** The state that a request names by its `ts`. Throws RequestError 400 when it is not readable. */
function stateOf(backend: Backend, { ts }: Record<string, unknown>): DatabaseSnapshot {
  const wanted = typeof ts === "string" && Buffer.from(ts, "base64").length === 8 ? decodeTs(ts) : null;
  const snapshot = wanted === null ? null : backend.pinned.at(wanted);
  if (snapshot) return snapshot;
  throw new RequestError(
    400,
    "InvalidTimestamp",
    'The field "ts" must be a timestamp that /api/query_ts gave out in the last 30 seconds; ask for a new one.',
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RequestError(400, "BadRequest", 'The parameter "args" is not JSON.');
  }
}

/** The HTTP function API; false when the path is not part of it. Throws RequestError and AuthenticationError. */
export async function handleFunctionApi(
  backend: Backend,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<boolean> {
  const kind = url.pathname.match(
    /^\/api\/(query|mutation|action|function|query_ts|query_at_ts|query_batch|run\/.+)$/,
  )?.[1];
  if (kind === undefined) return false;
  if (request.method === "GET" && kind === "query") {
    const args = url.searchParams.get("args");
    const body = {
      path: url.searchParams.get("path"),
      args: args === null ? {} : parseJson(args),
      format: url.searchParams.get("format") ?? "json",
    };
    const options = optionsFor(request, await backend.auth.header(request.headers.authorization));
    const call = callOf(body);
    sendJson(response, 200, ...outcomeText(await run(backend, "query", call, options), call.isEncoded));
    return true;
  }
  if (request.method !== "POST")
    throw new RequestError(405, "MethodNotAllowed", `Use POST for ${url.pathname}.`);
  if (kind === "query_ts") {
    sendJson(response, 200, JSON.stringify({ ts: encodeTs(backend.pinned.pin()) }));
    return true;
  }
  const body = await readJson(request, MAX_BODY_BYTES);
  const options = optionsFor(request, await backend.auth.header(request.headers.authorization));
  if (kind === "function" && !options.caller.admin) {
    throw new RequestError(403, "AdminRequired", "/api/function needs the admin key.");
  }
  if (kind === "query_batch") {
    const calls = batchOf(body);
    const outcomes = await runAt(backend, backend.committer.snapshot(), calls, options);
    const results = outcomes.map((outcome, i) => outcomeText(outcome, calls[i]!.isEncoded).join(""));
    sendJson(response, 200, `{"results":[${results.join(",")}]}`);
    return true;
  }
  if (kind.startsWith("run/")) {
    const steps = kind.slice(4).split("/");
    body.path = `${steps.slice(0, -1).join("/")}:${steps.at(-1)}`;
  }
  const call = callOf(body);
  const outcome =
    kind === "query_at_ts"
      ? (await runAt(backend, stateOf(backend, body), [call], options))[0]!
      : await run(backend, kind, call, options);
  sendJson(response, 200, ...outcomeText(outcome, call.isEncoded));
  return true;
}
