import type { IncomingMessage, ServerResponse } from "node:http";
import { RequestError } from "../runtime/errors";

/** Mirrors the origin, as Convex does: authority comes from tokens, never from cookies. */
export function setCorsHeaders(request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers;
  response.setHeader("Access-Control-Allow-Origin", origin ?? "*");
  if (origin) response.setHeader("Access-Control-Allow-Credentials", "true");
  response.setHeader("Vary", "Origin");
  response.setHeader("Access-Control-Expose-Headers", "*");
}

/** Answers a preflight request. */
export function answerPreflight(request: IncomingMessage, response: ServerResponse): void {
  setCorsHeaders(request, response);
  const headers = request.headers["access-control-request-headers"];
  if (headers) response.setHeader("Access-Control-Allow-Headers", headers);
  response.setHeader("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS");
  response.setHeader("Access-Control-Max-Age", "86400");
  response.writeHead(200).end();
}

/** Bodies of other sizes get memory of their own. */
const MIN_SCRATCH_CHARS = 8 << 10;
const SCRATCH_BYTES = 1 << 20;
/** A UTF-16 unit takes at most this many bytes of UTF-8. */
const MAX_UNIT_BYTES = 3;

/** Memory that large bodies are encoded in, one at a time: mapping fresh pages for each costs more than encoding it. */
let scratch: Buffer | null = null;
let isScratchOut = false;

function borrowScratch(response: ServerResponse): Buffer {
  isScratchOut = true;
  // Also when the connection broke: a closed socket writes no more.
  response.once("close", () => {
    isScratchOut = false;
  });
  scratch ??= Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  return scratch;
}

/** Answers with the JSON text that the parts make together; a large value is not copied into one text first. */
export function sendJson(response: ServerResponse, status: number, ...parts: string[]): void {
  const chars = parts.reduce((sum, part) => sum + part.length, 0);
  const fits = chars >= MIN_SCRATCH_CHARS && chars * MAX_UNIT_BYTES <= SCRATCH_BYTES && !isScratchOut;
  const body = fits ? encodeInto(borrowScratch(response), parts) : joined(parts);
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body),
  });
  response.end(body);
}

/** Small bodies stay text, which leaves in one piece with the headers. */
function joined(parts: string[]): string | Buffer {
  const text = parts.join("");
  return text.length < MIN_SCRATCH_CHARS ? text : Buffer.from(text);
}

function encodeInto(memory: Buffer, parts: string[]): Buffer {
  let bytes = 0;
  for (const part of parts) bytes += memory.write(part, bytes);
  return memory.subarray(0, bytes);
}

export function sendError(response: ServerResponse, error: RequestError): void {
  sendJson(response, error.status, JSON.stringify({ code: error.code, message: error.message }));
}

/** The whole body as text. Throws RequestError 413 over `maxBytes`. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw new RequestError(413, "RequestTooLarge", `The request body is over ${maxBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The body as a JSON object. Throws RequestError 400. */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<Record<string, unknown>> {
  const text = (await readBody(request, maxBytes)).toString("utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RequestError(400, "BadJsonBody", `The request body is not JSON: ${(error as Error).message}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new RequestError(400, "BadJsonBody", "The request body must be a JSON object.");
  }
  return value as Record<string, unknown>;
}
