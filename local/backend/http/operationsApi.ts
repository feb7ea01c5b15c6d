import type { ServerResponse } from "node:http";
import type { Backend } from "../backend";
import { healthOf } from "../operation/health";
import { metricsText } from "../operation/metrics";
import { sendJson } from "./respond";

/** The public version that clients and tools see. */
export const BACKEND_VERSION = "assay-embedded-0.1.0";

function sendText(response: ServerResponse, text: string, contentType = "text/plain"): void {
  response.writeHead(200, { "Content-Type": contentType }).end(text);
}

/** What operators and their tools ask; false when the path is not one of theirs. */
export async function handleOperationsApi(
  backend: Backend,
  response: ServerResponse,
  path: string,
): Promise<boolean> {
  switch (path) {
    case "/version":
    case "/instance_version":
      sendText(response, BACKEND_VERSION);
      return true;
    case "/instance_name":
      sendText(response, "embedded");
      return true;
    case "/.well-known/jwks.json":
      sendJson(response, 200, backend.signer.jwks());
      return true;
    case "/health/live":
      sendText(response, "ok");
      return true;
    case "/":
    case "/health":
    case "/health/ready": {
      const health = await healthOf(backend);
      const status = path === "/health/ready" && health.status === "stuck" ? 503 : 200;
      sendJson(response, status, JSON.stringify({ ...health, version: BACKEND_VERSION }));
      return true;
    }
    case "/metrics":
      sendText(response, await metricsText(backend), "text/plain; version=0.0.4; charset=utf-8");
      return true;
    default:
      return false;
  }
}
