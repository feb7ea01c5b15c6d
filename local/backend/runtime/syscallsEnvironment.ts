import type { AsyncSyscall } from "./syscalls";

export const environmentSyscalls: Record<string, AsyncSyscall> = {
  "1.0/getFunctionMetadata": (state) =>
    JSON.stringify({ name: state.path, componentPath: state.component.path }),
  "1.0/getDeploymentMetadata": () => JSON.stringify({ name: "embedded", region: null, class: "s16" }),
  "1.0/getRequestMetadata": ({ root }) =>
    JSON.stringify({
      ip: root.request.ip,
      userAgent: root.request.userAgent,
      requestId: root.requestId,
      scheduledFunctionId: root.scheduledFunctionId,
      authToken: null,
    }),
  "1.0/auditLog"({ root }, args) {
    root.backend.log("info", "function.auditLog", { entry: args });
    return "null";
  },
  "1.0/signJwt"() {
    throw new Error("signJwt is not supported by the embedded backend.");
  },
};
