import { isPlainObject, type JsonObject, type JsonValue } from "../values/encoded";
import type { CallState } from "./callState";
import type { AsyncSyscall } from "./syscalls";

/** What `log.vars` of convex/server stand for in an audit log. */
function auditVariable({ root }: CallState, name: JsonValue | undefined): JsonValue {
  switch (name) {
    case "requestId":
      return root.requestId;
    case "ip":
      return root.request.ip;
    case "userAgent":
      return root.request.userAgent;
    case "now":
      return root.backend.ports.now();
    case "convexActor":
      return root.caller.admin ? { kind: "admin" } : null;
    default:
      throw new Error(`Unknown variable in an audit log: ${JSON.stringify(name ?? null)}.`);
  }
}

/** The body of an audit log with its variables filled in. */
function auditBody(state: CallState, value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((element) => auditBody(state, element));
  if (!isPlainObject(value)) return value;
  if ("$var" in value) return auditVariable(state, value.$var);
  const body: JsonObject = {};
  for (const [key, inner] of Object.entries(value)) body[key] = auditBody(state, inner);
  return body;
}

function refuseService(): never {
  throw new Error("Services that Convex manages (ai-gateway) are not available on the embedded backend.");
}

export const environmentSyscalls: Record<string, AsyncSyscall> = {
  "1.0/getFunctionMetadata": (state) =>
    JSON.stringify({ name: state.path, componentPath: state.component.path }),
  "1.0/getDeploymentMetadata": () => JSON.stringify({ name: "embedded", region: null, class: "s16" }),
  "1.0/getRequestMetadata"({ kind, root, component }) {
    // A query's result may be shared between callers, so it must not depend on who asks.
    if (kind === "query") throw new Error("getRequestMetadata() is not available in queries.");
    return JSON.stringify({
      ip: root.request.ip,
      userAgent: root.request.userAgent,
      requestId: root.requestId,
      scheduledFunctionId: root.scheduledFunctionId,
      authToken: (component.isApp && root.caller.token) || null,
    });
  },
  "1.0/auditLog"(state, { body }) {
    state.root.backend.log("info", "function.auditLog", {
      path: state.path,
      body: auditBody(state, body ?? null),
    });
    return "null";
  },
  "1.0/signJwt"({ kind, root, component }, { claims, expiresInSeconds }) {
    if (kind !== "mutation") throw new Error("signJwt is only available in mutations.");
    const { signer, urls } = root.backend;
    const issuer = component.isApp ? urls.cloud : `${urls.cloud}/components/${component.path}`;
    return JSON.stringify(signer.sign(issuer, claims, expiresInSeconds, root.nowMs));
  },
  "1.0/createServiceToken": refuseService,
  "1.0/getServiceUrl": refuseService,
};
