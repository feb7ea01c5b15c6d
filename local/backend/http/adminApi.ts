import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { writeBackup } from "../admin/backup";
import { AuthenticationError } from "../auth/auth";
import type { Backend } from "../backend";
import { CATALOG_KEY } from "../catalog/catalog";
import { RequestError } from "../runtime/errors";
import { readJson, sendJson } from "./respond";

type Handler = (
  backend: Backend,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
) => Promise<void>;

async function updateEnvironment(backend: Backend, request: IncomingMessage, response: ServerResponse) {
  const { changes } = await readJson(request, 16 << 20);
  if (!Array.isArray(changes))
    throw new RequestError(400, "BadRequest", 'The field "changes" must be an array of {name, value}.');
  const entries = (changes as Array<{ name: string; value: string | null }>).map(({ name, value }) => {
    if (typeof name !== "string" || (value !== null && typeof value !== "string"))
      throw new RequestError(400, "BadRequest", "Each change needs a name and a value that is text or null.");
    return [name, value] as const;
  });
  await backend.environment.update(Object.fromEntries(entries));
  sendJson(response, 200, "{}");
}

async function streamLogs(backend: Backend, _request: IncomingMessage, response: ServerResponse, url: URL) {
  const cursor = Number(url.searchParams.get("cursor") ?? 0);
  if (!Number.isFinite(cursor))
    throw new RequestError(400, "BadRequest", "The cursor must be a number of milliseconds.");
  sendJson(response, 200, JSON.stringify(await backend.functionLog.after(cursor)));
}

async function canonicalUrls({ urls }: Backend, _request: IncomingMessage, response: ServerResponse) {
  sendJson(response, 200, JSON.stringify({ convexCloudUrl: urls.cloud, convexSiteUrl: urls.site }));
}

async function requestExport(
  backend: Backend,
  _request: IncomingMessage,
  response: ServerResponse,
  url: URL,
) {
  await backend.exports.request(url.searchParams.get("includeStorage") === "true");
  sendJson(response, 200, "{}");
}

async function downloadExport(backend: Backend, _: IncomingMessage, response: ServerResponse, url: URL) {
  const ts = url.pathname.split("/").at(-1)!;
  const { content, sizeBytes } = await backend.exports.download(ts);
  response.writeHead(200, {
    "Content-Type": "application/zip",
    "Content-Length": sizeBytes,
    "Content-Disposition": `attachment; filename=snapshot_${ts}.zip`,
  });
  await pipeline(content, response);
}

/** Resolves when the client has taken what was written, or is gone. */
async function drained(response: ServerResponse): Promise<void> {
  const settled = new AbortController();
  const { signal } = settled;
  await Promise.race([once(response, "drain", { signal }), once(response, "close", { signal })]);
  settled.abort();
}

/** Ends without its manifest, and so without being a backup, when anything fails on the way. */
async function downloadBackup(backend: Backend, _: IncomingMessage, response: ServerResponse) {
  const letGo = backend.files.holdRemovals();
  const snapshot = backend.committer.snapshot();
  try {
    response.writeHead(200, { "Content-Type": "application/zip" });
    const sink = async (bytes: Uint8Array) => {
      if (response.destroyed) throw new Error("The client of the backup is gone.");
      if (!response.write(bytes)) await drained(response);
    };
    const source = { rows: snapshot, catalog: snapshot.raw(CATALOG_KEY), files: backend.disk.files };
    const rows = await writeBackup(source, sink, backend.ports.now());
    response.end();
    backend.log("info", "backup.completed", { rows, ts: snapshot.ts.toString() });
  } finally {
    snapshot.release();
    letGo();
  }
}

async function startUpload(backend: Backend, _: IncomingMessage, response: ServerResponse) {
  sendJson(response, 200, JSON.stringify({ uploadToken: backend.imports.startUpload() }));
}

async function uploadPart(backend: Backend, request: IncomingMessage, response: ServerResponse, url: URL) {
  const { searchParams } = url;
  const part = Number(searchParams.get("partNumber"));
  const token = await backend.imports.uploadPart(searchParams.get("uploadToken"), part, request);
  sendJson(response, 200, JSON.stringify(token));
}

async function finishUpload(backend: Backend, request: IncomingMessage, response: ServerResponse) {
  const importId = await backend.imports.finishUpload(await readJson(request, 1 << 20));
  sendJson(response, 200, JSON.stringify({ importId }));
}

async function performImport(backend: Backend, request: IncomingMessage, response: ServerResponse) {
  await backend.imports.perform((await readJson(request, 1 << 20)).importId);
  sendJson(response, 200, "{}");
}

/** The last part of a path that ends in a number stands as `:number`. */
const ROUTES: Record<string, Handler> = {
  "GET /api/backup": downloadBackup,
  "POST /api/import/start_upload": startUpload,
  "POST /api/import/upload_part": uploadPart,
  "POST /api/import/finish_upload": finishUpload,
  "POST /api/perform_import": performImport,
  "POST /api/export/request/zip": requestExport,
  "GET /api/export/zip/:number": downloadExport,
  "GET /api/v1/get_canonical_urls": canonicalUrls,
  "POST /api/update_environment_variables": updateEnvironment,
  "GET /api/stream_function_logs": streamLogs,
};

/** What the command line would do to a deployment and cannot do here; answered at once, because it retries a 404. */
const REFUSED: Array<[RegExp, string]> = [
  [
    /^\/api\/(deploy2\/|get_config|push_config|prepare_schema|schema_state)/,
    "The embedded backend loads its functions folder when it starts: change the folder and start the backend again instead of pushing to it.",
  ],
  [
    /^\/api\/run_test_function$/,
    "The embedded backend does not run inline queries: add a query to the functions folder and start the backend again.",
  ],
];

/** 403 also for a wrong key: the command line gives up at that, and retries everything else. */
async function requireAdmin(backend: Backend, request: IncomingMessage, url: URL): Promise<void> {
  try {
    const caller = await backend.auth.header(request.headers.authorization);
    if (caller.admin) return;
  } catch (error) {
    if (error instanceof AuthenticationError) throw new RequestError(403, "BadAdminKey", error.message);
    throw error;
  }
  throw new RequestError(403, "AdminRequired", `${url.pathname} needs the admin key.`);
}

/** Everything that only an administrator may do beside calling functions; false when the path is none of it. */
export async function handleAdminApi(
  backend: Backend,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<boolean> {
  const refusal = REFUSED.find(([path]) => path.test(url.pathname));
  if (refusal) throw new RequestError(400, "NotSupported", refusal[1]);
  const handler = ROUTES[`${request.method} ${url.pathname.replace(/\/\d+$/, "/:number")}`];
  if (!handler) return false;
  await requireAdmin(backend, request, url);
  await handler(backend, request, response, url);
  return true;
}
