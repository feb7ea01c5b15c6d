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

export function sendJson(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(text),
  });
  response.end(text);
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
