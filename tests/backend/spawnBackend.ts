import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The functions folder that the backend's own tests run. */
export const FIXTURE_FUNCTIONS = join(root, "tests/backend/fixtures/convex");

/** A fresh data folder and how to remove it. */
export function temporaryData(): { dataDir: string; remove(): void } {
  const dataDir = mkdtempSync(join(tmpdir(), "assay-backend-"));
  return { dataDir, remove: () => rmSync(dataDir, { recursive: true, force: true }) };
}

/** A port that was free a moment ago, with its successor free too. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

export interface SpawnedBackend {
  url: string;
  siteUrl: string;
  process: ChildProcess;
  stderr(): string;
  /** Sends the signal and resolves with the exit code (null when the signal killed it). */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts `local/backend/main.ts` as its own process; resolves at its ready line, rejects with its stderr. */
export async function spawnBackend(options: {
  dataDir: string;
  functionsDir?: string;
  port?: number;
  adminKey?: string;
  envFile?: string;
}): Promise<SpawnedBackend> {
  const port = options.port ?? (await freePort());
  const args = ["--import", "tsx", join(root, "local/backend/main.ts")];
  args.push("--functions", options.functionsDir ?? FIXTURE_FUNCTIONS, "--data", options.dataDir);
  args.push("--port", String(port));
  if (options.adminKey) args.push("--admin-key", options.adminKey);
  if (options.envFile) args.push("--env-file", options.envFile);
  const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const exited = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const ready = new Promise<string>((resolve) => {
    child.stdout.on("data", (chunk) => {
      const url = String(chunk).match(/^ready (\S+)/m)?.[1];
      if (url) resolve(url);
    });
  });
  const url = await Promise.race([
    ready,
    exited.then((code) => Promise.reject(new Error(`exit code ${code}: ${stderr}`))),
  ]);
  return {
    url,
    siteUrl: `http://127.0.0.1:${port + 1}`,
    process: child,
    stderr: () => stderr,
    end(signal) {
      child.kill(signal);
      return exited;
    },
  };
}
