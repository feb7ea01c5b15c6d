import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { spawnBackend, temporaryData } from "../../backend/spawnBackend";
import type { Backend, Driver } from "./driver";
import { remoteBackend } from "./remote";

export const CONFORMANCE_FUNCTIONS = fileURLToPath(new URL("../convex", import.meta.url));

/** The embedded backend as its own process on an empty store, with these deployment variables. */
export async function startEmbedded(environment: Record<string, string> = {}): Promise<Backend> {
  const data = temporaryData();
  const envFile = join(data.dataDir, "env.json");
  writeFileSync(envFile, JSON.stringify(environment));
  const adminKey = "conformance-admin-key";
  const spawned = await spawnBackend({
    dataDir: join(data.dataDir, "data"),
    functionsDir: CONFORMANCE_FUNCTIONS,
    adminKey,
    envFile,
  });
  return remoteBackend({
    url: spawned.url,
    siteUrl: spawned.siteUrl,
    adminKey,
    async stop() {
      await spawned.end("SIGTERM");
      data.remove();
    },
  });
}

/** The embedded backend over real sockets. */
export const embedded: Driver = { name: "embedded", lacks: {}, open: () => startEmbedded() };
