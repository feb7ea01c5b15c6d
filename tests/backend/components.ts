import { fileURLToPath } from "node:url";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import type { Ports } from "../../local/backend/ports";
import { type RunningBackend, startBackend } from "../../local/backend/startBackend";

/** An app that uses the four packages, and a component of its own twice, with a child inside. */
export const COMPONENT_FUNCTIONS = fileURLToPath(new URL("./fixtures/components/convex", import.meta.url));
export const COMPONENT_ENVIRONMENT = { ARCHIVE_CURRENCY: "XAG" };
export const ADMIN_KEY = "the-operator";

/** Starts that app, or another folder, in this process. */
export function startComponents(options: {
  dataDir: string;
  functionsDir?: string;
  ports?: Ports;
}): Promise<RunningBackend> {
  return startBackend({
    functionsDir: COMPONENT_FUNCTIONS,
    environment: COMPONENT_ENVIRONMENT,
    adminKey: ADMIN_KEY,
    ...options,
  });
}

export type Instance = "ledger" | "archive";
// biome-ignore lint/suspicious/noExplicitAny: the result is as the called function has it
type Call = (at: Instance, name: string, args?: object) => Promise<any>;

/** The stock HTTP client, and calls of the fixture's own component through the app. */
export function componentClient(url: string): {
  http: ConvexHttpClient;
  mutate: Call;
  ask: Call;
  act: Call;
} {
  const http = new ConvexHttpClient(url, { logger: false });
  const { app } = anyApi;
  return {
    http,
    mutate: (instance, name, args = {}) => http.mutation(app!.childMutation!, { instance, name, args }),
    ask: (instance, name, args = {}) => http.query(app!.childQuery!, { instance, name, args }),
    act: (instance, name, args = {}) => http.action(app!.childAction!, { instance, name, args }),
  };
}
