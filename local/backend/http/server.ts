import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { AuthenticationError } from "../auth/auth";
import type { Backend } from "../backend";
import { RequestError } from "../runtime/errors";
import { OperatorError } from "../store/store";
import { type ClientSocket, SyncSession } from "../sync/session";
import { handleAdminApi } from "./adminApi";
import { handleFunctionApi } from "./functionApi";
import { handleHttpAction } from "./httpActions";
import { handleOperationsApi } from "./operationsApi";
import { answerPreflight, sendError, setCorsHeaders } from "./respond";
import { handleStorageApi } from "./storageApi";

const MAX_SOCKET_MESSAGE_BYTES = 64 << 20;
const CLOSE_GRACE_MS = 300;
/** Requests under way at shutdown have this long to be answered. */
const DRAIN_MS = 3_000;

/** A listening server whose backend may still be loading. */
export interface Listening {
  port: number;
  serve(backend: Backend): void;
  close(): Promise<void>;
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const busy = error.code === "EADDRINUSE";
      const sentence = busy
        ? `Port ${port} on ${host} is in use. Stop the other process or choose another --port.`
        : `Cannot listen on ${host}:${port}: ${error.message}`;
      reject(new OperatorError(sentence));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

async function answer(response: ServerResponse, backend: Backend, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (response.headersSent) response.destroy();
    else if (error instanceof RequestError) sendError(response, error);
    else if (error instanceof AuthenticationError) {
      sendError(response, new RequestError(401, "Unauthenticated", error.message));
    } else {
      backend.log("error", "http.failed", { error: (error as Error)?.stack ?? String(error) });
      sendError(
        response,
        new RequestError(500, "InternalServerError", "Your request couldn't be completed."),
      );
    }
  }
}

async function route(backend: Backend, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname.startsWith("/http/")) {
    return handleHttpAction(backend, request, response, (request.url ?? "/").slice("/http".length));
  }
  if (request.method === "OPTIONS") return answerPreflight(request, response);
  setCorsHeaders(request, response);
  if (await handleFunctionApi(backend, request, response, url)) return;
  if (await handleStorageApi(backend, request, response, url)) return;
  if (await handleAdminApi(backend, request, response, url)) return;
  if (await handleOperationsApi(backend, response, url.pathname)) return;
  throw new RequestError(404, "NotFound", `There is nothing at ${url.pathname}.`);
}

function gate(
  handle: (backend: Backend, request: IncomingMessage, response: ServerResponse) => Promise<void>,
) {
  let serving: Backend | null = null;
  const listener: RequestListener = (request, response) => {
    const backend = serving;
    if (backend) void answer(response, backend, () => handle(backend, request, response));
    else sendError(response, new RequestError(503, "Starting", "The backend is still starting."));
  };
  return {
    listener,
    open: (backend: Backend) => {
      serving = backend;
    },
    current: () => serving,
  };
}

/** Takes no more connections and ends once the requests under way are answered, or at the latest after a grace. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const impatience = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.close(() => {
      clearTimeout(impatience);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/**
 * Frames sent in one turn of the event loop leave in one system call, at its end or when the session says that it was all. A
 * mutation's response and its transition do; sending was the largest single cost of a small mutation.
 */
function sendPerTurn(client: WebSocket, wire: Duplex): ClientSocket {
  const send = client.send.bind(client) as (text: string) => void;
  let isCorked = false;
  const flush = () => {
    if (!isCorked) return;
    isCorked = false;
    wire.uncork();
  };
  client.send = (text: string) => {
    if (!isCorked) {
      isCorked = true;
      wire.cork();
      setImmediate(flush);
    }
    send(text);
  };
  return Object.assign(client, { flush });
}

/** Starts the API and sync server. Throws OperatorError when the port is taken. */
export async function listenApi(host: string, port: number): Promise<Listening> {
  const { listener, open, current } = gate(route);
  const server = createServer(listener);
  server.keepAliveTimeout = 65_000;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_SOCKET_MESSAGE_BYTES });
  server.on("upgrade", (request, socket, head) => {
    const backend = current();
    const isSync = /^\/api(\/[^/]+)?\/sync$/.test((request.url ?? "").split("?")[0]!);
    if (!backend || !isSync) return socket.destroy();
    sockets.handleUpgrade(request, socket, head, (client) => {
      const metadata = {
        ip: request.socket.remoteAddress ?? null,
        userAgent: request.headers["user-agent"] ?? null,
      };
      new SyncSession(backend, sendPerTurn(client, socket), metadata);
    });
  });
  const actualPort = await listen(server, host, port);
  return {
    port: actualPort,
    serve: open,
    async close() {
      for (const client of sockets.clients) client.close(1001, "Shutdown: the backend stops; reconnect");
      sockets.close();
      // Clients that do not answer the close are not waited for.
      const impatience = setTimeout(() => {
        for (const client of sockets.clients) client.terminate();
      }, CLOSE_GRACE_MS);
      await closeServer(server);
      clearTimeout(impatience);
    },
  };
}

/** Starts the server of HTTP actions. Throws OperatorError when the port is taken. */
export async function listenSite(host: string, port: number): Promise<Listening> {
  const { listener, open } = gate((backend, request, response) =>
    handleHttpAction(backend, request, response, request.url ?? "/"),
  );
  const server = createServer(listener);
  const actualPort = await listen(server, host, port);
  return { port: actualPort, serve: open, close: () => closeServer(server) };
}
