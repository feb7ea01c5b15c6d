import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import { AuthenticationError } from "../auth/auth";
import type { Backend } from "../backend";
import { runCall } from "../runtime/callContext";
import { ANONYMOUS, type Caller } from "../runtime/callState";
import { toFailure } from "../runtime/errors";
import { LIMITS } from "../transaction/limits";
import { readBody, sendJson } from "./respond";

function requestOf(request: IncomingMessage, url: string, body: Buffer): Request {
  const headers = new Headers();
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    headers.append(request.rawHeaders[i]!, request.rawHeaders[i + 1]!);
  }
  const method = request.method ?? "GET";
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(url, { method, headers, ...(hasBody ? { body: new Uint8Array(body) } : {}) });
}

/** HTTP actions see the identity of a valid token; their own tokens in the same header are theirs to judge. */
async function callerOf(backend: Backend, authorization: string | undefined): Promise<Caller> {
  if (!authorization?.startsWith("Bearer ")) return ANONYMOUS;
  try {
    return await backend.auth.header(authorization);
  } catch (error) {
    if (error instanceof AuthenticationError) return ANONYMOUS;
    throw error;
  }
}

/** Routes a request to the folder's `http.ts`; `path` is what the router sees. */
export async function handleHttpAction(
  backend: Backend,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const { pathname } = new URL(path, backend.urls.site);
  const method = request.method === "HEAD" ? "GET" : (request.method ?? "GET");
  const route = backend.components.route(pathname, method);
  if (!route) {
    const text = backend.components.hasRoutes
      ? "No matching routes found"
      : "This deployment does not have HTTP actions enabled.";
    response.writeHead(404, { "Content-Type": "text/plain" }).end(text);
    return;
  }
  const body = await readBody(request, LIMITS.httpBodyBytes);
  const caller = await callerOf(backend, request.headers.authorization);
  const root = backend.runner.createRoot({
    caller,
    request: { ip: request.socket.remoteAddress ?? null, userAgent: request.headers["user-agent"] ?? null },
  });
  const state = backend.runner.createState(
    root,
    route.instance,
    "httpAction",
    `${method} ${route.path}`,
    null,
  );
  let answer: Response;
  let error: string | null = null;
  try {
    const call = requestOf(request, new URL(path, backend.urls.site).href, body);
    answer = await runCall(state, () => route.handler.invokeHttpAction(call));
  } catch (thrown) {
    const failure = toFailure(thrown);
    error = failure.message;
    backend.log("warn", "function.failed", {
      path: state.path,
      requestId: root.requestId,
      error: failure.message,
    });
    const message = `[Request ID: ${root.requestId}] Server Error\n${failure.message}`;
    return sendJson(response, 500, JSON.stringify({ code: "Server Error", message }));
  } finally {
    if (root.logLines.length > 0)
      backend.log("info", "function.console", { path: state.path, lines: root.logLines });
    backend.functionLog.record(root, "httpAction", state.path, error);
  }
  await send(response, answer);
}

/** Passes bytes on up to the limit of a response; the connection is cut at the first byte over it. */
function limited(): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= LIMITS.httpBodyBytes) done(null, chunk);
      else done(new Error(`HTTP actions support responses up to ${LIMITS.httpBodyBytes >> 20} MiB`));
    },
  });
}

async function send(response: ServerResponse, answer: Response): Promise<void> {
  const headers: Record<string, string | string[]> = Object.fromEntries(answer.headers);
  const cookies = answer.headers.getSetCookie();
  if (cookies.length > 0) headers["set-cookie"] = cookies;
  response.writeHead(answer.status, headers);
  if (answer.body) await pipeline(Readable.fromWeb(answer.body as NodeReadableStream), limited(), response);
  else response.end();
}
