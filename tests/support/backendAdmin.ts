/** A running desk's backend as whoever holds its admin key sees it: its variables, and its internal functions. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import type { FunctionArgs, FunctionReference, FunctionReturnType } from "convex/server";

export interface BackendAdmin {
  setVariables(variables: Record<string, string>): Promise<void>;
  action<Action extends FunctionReference<"action", "internal">>(
    reference: Action,
    args: FunctionArgs<Action>,
  ): Promise<FunctionReturnType<Action>>;
}

export function backendAdmin(url: string, dataDir: string): BackendAdmin {
  const key = readFileSync(join(dataDir, "keys", "backend-admin.key"), "utf8").trim();
  const client = new ConvexHttpClient(url, { logger: false });
  (client as unknown as { setAdminAuth(key: string): void }).setAdminAuth(key);
  return {
    async setVariables(variables) {
      const changes = Object.entries(variables).map(([name, value]) => ({ name, value }));
      const response = await fetch(`${url}/api/update_environment_variables`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Convex ${key}` },
        body: JSON.stringify({ changes }),
      });
      if (!response.ok) throw new Error(`variables are refused: ${await response.text()}`);
    },
    action: (reference, args) => client.action(reference as never, args as never),
  };
}
