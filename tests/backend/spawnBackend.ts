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

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** A port that is free with its successor, below the range that outgoing connections take theirs from. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + 2 * Math.floor(Math.random() * 6_000);
    if ((await listens(port)) && (await listens(port + 1))) return port;
  }
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
  /** Shell commands that run before the backend in its process, such as a limit. */
  shell?: string;
  /** Further arguments of the command line. */
  args?: string[];
}): Promise<SpawnedBackend> {
  const args = ["--import", "tsx", join(root, "local/backend/main.ts")];
  args.push("--functions", options.functionsDir ?? FIXTURE_FUNCTIONS, "--data", options.dataDir);
  args.push("--port", String(options.port ?? 0));
  if (options.adminKey) args.push("--admin-key", options.adminKey);
  if (options.envFile) args.push("--env-file", options.envFile);
  args.push(...(options.args ?? []));
  const [command, given] = options.shell
    ? ["bash", ["-c", `${options.shell}; exec "$0" "$@"`, process.execPath, ...args]]
    : [process.execPath, args];
  const child = spawn(command, given, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const serving = new Promise<[string, string]>((resolve) => {
    const look = () => {
      const url = stdout.match(/^ready (\S+)$/m)?.[1];
      const siteUrl = stderr.match(/"backend.ready".*"siteUrl":"([^"]+)"/)?.[1];
      if (url && siteUrl) resolve([url, siteUrl]);
    };
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
      look();
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
      look();
    });
  });
  const [url, siteUrl] = await Promise.race([
    serving,
    exited.then((code) => Promise.reject(new Error(`exit code ${code}: ${stderr}`))),
  ]);
  return {
    url,
    siteUrl,
    process: child,
    stderr: () => stderr,
    end(signal) {
      child.kill(signal);
      return exited;
    },
  };
}
