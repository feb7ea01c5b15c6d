import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import type { Backend } from "../backend";
import type { StoredFile } from "../files/fileStorage";
import { RequestError } from "../runtime/errors";
import { Transaction } from "../transaction/transaction";
import { sendJson } from "./respond";

/** Inclusive byte range of a `Range` header; null when there is none or it has a form to ignore. Throws 416. */
function rangeOf(header: string | undefined, sizeBytes: number): { start: number; end: number } | null {
  const match = header?.match(/^bytes=(\d*)-(\d*)$/);
  if (!match || (match[1] === "" && match[2] === "")) return null;
  const start = match[1] === "" ? Math.max(0, sizeBytes - Number(match[2])) : Number(match[1]);
  const end = match[1] === "" || match[2] === "" ? sizeBytes - 1 : Math.min(Number(match[2]), sizeBytes - 1);
  if (start > end || start >= sizeBytes) {
    throw new RequestError(416, "RangeNotSatisfiable", `The file has ${sizeBytes} bytes.`);
  }
  return { start, end };
}

async function find(backend: Backend, uuid: string): Promise<StoredFile> {
  const snapshot = backend.committer.snapshot();
  try {
    const tx = new Transaction(snapshot, backend.catalog, [], null, null);
    const file = await backend.files.byUuid(tx, uuid);
    if (!file) throw new RequestError(404, "FileNotFound", "There is no such file.");
    return file;
  } finally {
    snapshot.release();
  }
}

async function download(backend: Backend, request: IncomingMessage, response: ServerResponse, uuid: string) {
  const file = await find(backend, uuid);
  const range = rangeOf(request.headers.range, file.sizeBytes);
  const length = range ? range.end - range.start + 1 : file.sizeBytes;
  const headers: Record<string, string | number> = {
    "Content-Length": length,
    "Cache-Control": "private, max-age=2592000",
    "Accept-Ranges": "bytes",
    Digest: `sha-256=${file.sha256Base64}`,
    "X-Content-Type-Options": "nosniff",
  };
  if (file.contentType) headers["Content-Type"] = file.contentType;
  if (range) headers["Content-Range"] = `bytes ${range.start}-${range.end}/${file.sizeBytes}`;
  response.writeHead(range ? 206 : 200, headers);
  if (request.method === "HEAD" || length === 0) response.end();
  else
    await pipeline(backend.files.read(file, range?.start ?? 0, range?.end ?? file.sizeBytes - 1), response);
}

/** Uploads and downloads of stored files; false when the path is not one of theirs. */
export async function handleStorageApi(
  backend: Backend,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<boolean> {
  const name = url.pathname.match(/^\/api\/storage\/([0-9a-z-]+)$/)?.[1];
  if (name === undefined) return false;
  if (name === "upload" && request.method === "POST") {
    const namespace = backend.files.checkUploadToken(url.searchParams.get("token"));
    const digest = String(request.headers.digest ?? "").match(/^sha-256=(.+)$/i)?.[1] ?? null;
    const storageId = await backend.files.store(
      request,
      request.headers["content-type"] ?? null,
      digest,
      namespace,
    );
    sendJson(response, 200, JSON.stringify({ storageId }));
    return true;
  }
  if (request.method !== "GET" && request.method !== "HEAD") return false;
  await download(backend, request, response, name);
  return true;
}
