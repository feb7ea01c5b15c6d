import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answer } from "./api/routes";
import type { ExchangeClock } from "./clock";
import { type FaultKind, FaultPlan, parseFault, spoilData } from "./faults";
import { CONTRACTS } from "./market/contracts";
import { MarketSimulator } from "./market/simulator";
import { indexPage, simulationFacts } from "./page";

export interface ExchangeOptions {
  seed: number;
  /** 0 takes any free port. */
  port: number;
  clock: ExchangeClock;
  /** First bar that the exchange serves, UTC ms. */
  historyStartMs: number;
  /** What is traded; absent: the simulated market of the seed. */
  simulator?: MarketSimulator;
}

export interface Exchange {
  url: string;
  port: number;
  simulator: MarketSimulator;
  faults: FaultPlan;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 4096;

/** Starts the simulated exchange on 127.0.0.1. Rejects when the port is taken (`EADDRINUSE`). */
export async function startExchange(options: ExchangeOptions): Promise<Exchange> {
  const { seed, clock, historyStartMs } = options;
  const { simulator = new MarketSimulator(seed, historyStartMs) } = options;
  const faults = new FaultPlan();
  const startedAtMs = clock.now();

  const facts = () =>
    simulationFacts({ seed, historyStartMs, startedAtMs, nowMs: clock.now(), pendingFaults: faults.list() });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://exchange");
    if (url.pathname === "/simulation/faults") return handleFaults(request, response);
    if (request.method !== "GET")
      return sendJson(response, 405, { code: 100400, msg: "only GET is served here" });
    if (url.pathname === "/simulation") return sendJson(response, 200, facts());
    if (url.pathname === "/") {
      const nowMs = clock.now();
      const prices = CONTRACTS.map(({ symbol, pricePrecision }) => ({
        symbol,
        price: simulator.lastBar(symbol, nowMs)?.close.toFixed(pricePrecision) ?? "none yet",
      }));
      return send(response, 200, "text/html; charset=utf-8", indexPage(facts(), prices));
    }
    const fault = faults.take(url.pathname);
    if (fault && strike(fault, response, clock.now())) return;
    const envelope = answer(simulator, url.pathname, url.searchParams, clock.now());
    if (fault) envelope.data = spoilData(fault, envelope.data);
    if (fault === "truncated") {
      const body = JSON.stringify(envelope);
      return send(response, 200, "application/json", body.slice(0, Math.floor(body.length / 2)));
    }
    sendJson(response, 200, envelope);
  }

  async function handleFaults(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "DELETE") faults.clear();
    else if (request.method === "POST") {
      const fault = parseFault(await readJson(request));
      if (typeof fault === "string") return sendJson(response, 400, { error: fault });
      faults.add(fault);
    } else if (request.method !== "GET") return sendJson(response, 405, { error: "use GET, POST or DELETE" });
    sendJson(response, 200, { pendingFaults: faults.list() });
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error("exchange: request failed", error);
      if (!response.headersSent)
        sendJson(response, 500, { code: 100500, msg: "simulated exchange: internal error" });
      else response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    simulator,
    faults,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Faults that replace the whole answer. True when the response is dealt with (a timeout stays open on purpose). */
function strike(kind: FaultKind, response: ServerResponse, nowMs: number): boolean {
  switch (kind) {
    case "html200":
      send(response, 200, "text/html", "<html><body>Attention required</body></html>");
      return true;
    case "empty":
      send(response, 200, "application/json", "");
      return true;
    case "http429":
      send(response, 429, "text/plain", "Too Many Requests");
      return true;
    case "http503":
      send(response, 503, "text/html", "<html><body>Service Unavailable</body></html>");
      return true;
    case "code100410":
      sendJson(response, 200, {
        code: 100410,
        msg: `code:100410:The endpoint trigger frequency limit rule is currently in the disabled period and will be unblocked after ${nowMs + 60_000}`,
        data: {},
      });
      return true;
    case "reset":
      response.socket?.destroy();
      return true;
    case "timeout":
      return true;
    default:
      return false;
  }
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, {
    "content-type": contentType,
    "x-assay-simulated": "true",
    "cache-control": "no-store",
  });
  response.end(body);
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, "application/json; charset=utf-8", JSON.stringify(body));
}

/** The request body as JSON; undefined when it is too long or not JSON. */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString("utf8"));
  } catch {
    return undefined;
  }
}
