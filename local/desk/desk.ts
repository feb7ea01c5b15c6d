/** Starts the desk's processes in the order they need each other, and stops them in the reverse. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { api } from "../../convex/_generated/api";
import { readSigningKey } from "../../rl-worker/config";
import { readDesk, removeDesk, writeDesk } from "../../rl-worker/deskFile";
import { createTokenSource } from "../../rl-worker/transport/identity";
import { type Child, startChild } from "./child";
import { ensureConsoleBuild } from "./consoleBuild";
import { ensureAdminKeyFile, ensureKey } from "./keys";
import type { UpOptions } from "./options";
import { choosePort } from "./ports";
import { supervise } from "./supervisor";

const ISSUER = "https://assay.local";
const STOP_GRACE_MS = 10_000;

export interface RunningDesk {
  convexUrl: string;
  siteUrl: string;
  exchangeUrl: string | null;
  consoleUrl: string | null;
  /** One-time link for an admin; null without a console. */
  signInUrl: string | null;
  /** Resolves with the first process that ended by itself and was given up, and its last words. */
  crashed: Promise<{ name: string; lastWords: string }>;
  stop(): Promise<void>;
}

/** A clear sentence for the operator; the caller prints it and exits with 1. */
export class DeskError extends Error {}

/** Starts what the options ask for. Everything that was started is stopped again when a later part fails. */
export async function startDesk(
  root: string,
  options: UpOptions,
  say: (line: string) => void,
): Promise<RunningDesk> {
  const { dataDir } = options;
  const other = readDesk(dataDir);
  if (other !== null) {
    const where = other.consoleUrl ?? other.convexUrl;
    throw new DeskError(
      `A desk already runs on ${dataDir} (process ${other.pid}, ${where}). Stop it, or choose another folder with --data.`,
    );
  }
  if (options.fresh) deleteDeskData(dataDir);
  mkdirSync(dataDir, { recursive: true });
  const port = options.withConsole ? await choosePort(options.port, "console", "--port") : null;
  const backendPort = await choosePort(options.backendPort, "backend", "--backend-port", 2);
  const exchangePort = options.withExchange
    ? await choosePort(options.exchangePort, "exchange", "--exchange-port")
    : null;
  if (options.withConsole) ensureConsoleBuild(root, say);

  const children: Child[] = [];
  const stop = async () => {
    for (const child of [...children].reverse()) await child.stop(STOP_GRACE_MS);
    removeDesk(dataDir);
  };
  try {
    return await startAll();
  } catch (error) {
    await stop();
    throw error;
  }

  async function startAll(): Promise<RunningDesk> {
    const start = launcher(root, dataDir);
    const launch = async (name: string, script: string, args: string[], env: Record<string, string> = {}) => {
      children.push(await supervise((signal) => start(name, script, args, env, signal), say));
    };
    const convexUrl = `http://127.0.0.1:${backendPort}`;
    writeDesk(dataDir, {
      pid: process.pid,
      convexUrl,
      exchangeUrl: null,
      consoleUrl: null,
      worker: false,
      startedAtMs: Date.now(),
    });
    const key = await ensureKey(dataDir);
    const exchangeUrl = exchangePort === null ? null : `http://127.0.0.1:${exchangePort}`;
    if (exchangePort !== null) {
      say("Starting the simulated exchange ...");
      await launch("exchange", "local/exchange/main.ts", [
        "--port",
        String(exchangePort),
        "--seed",
        String(options.seed),
        "--data",
        join(dataDir, "exchange"),
      ]);
    }
    say("Starting the embedded backend ...");
    const envFile = join(dataDir, "deployment.json");
    const deployment = {
      ASSAY_AUTH_ISSUER: ISSUER,
      ASSAY_AUTH_JWKS: key.jwksUri,
      ...(exchangeUrl === null
        ? { ASSAY_INGESTION: "off" }
        : { ASSAY_INGESTION: "on", BINGX_BASE_URL: exchangeUrl }),
    };
    writeFileSync(envFile, JSON.stringify(deployment, null, 2), { mode: 0o600 });
    await launch("backend", "local/backend/main.ts", [
      ...["--functions", join(root, "convex"), "--data", join(dataDir, "backend")],
      ...["--port", String(backendPort), "--site-port", String(backendPort + 1), "--env-file", envFile],
      ...["--admin-key-file", ensureAdminKeyFile(dataDir)],
    ]);
    const service = await serviceClient(convexUrl, key.file);
    await service.mutation(api.access.worker.bootstrap, {});
    if (options.withWorker) {
      say("Starting the worker ...");
      const env = { ASSAY_CONVEX_URL: convexUrl, ASSAY_KEY_FILE: key.file, ASSAY_AUTH_ISSUER: ISSUER };
      await launch("worker", "rl-worker/main.ts", [], env);
    }
    const consoleUrl = port === null ? null : `http://127.0.0.1:${port}`;
    if (port !== null) {
      say("Starting the console ...");
      await launch(
        "console",
        join("node_modules", "next", "dist", "bin", "next"),
        ["start", "--hostname", "127.0.0.1", "--port", String(port)],
        {
          CONVEX_URL: convexUrl,
          ASSAY_AUTH_ISSUER: ISSUER,
          ASSAY_AUTH_PRIVATE_JWK: key.privateJwk,
          NEXT_TELEMETRY_DISABLED: "1",
          NODE_ENV: "production",
        },
      );
      await waitForHttp(`${consoleUrl}/sign-in`, 60_000);
    }
    writeDesk(dataDir, {
      pid: process.pid,
      convexUrl,
      exchangeUrl,
      consoleUrl,
      worker: options.withWorker,
      startedAtMs: Date.now(),
    });
    return {
      convexUrl,
      siteUrl: `http://127.0.0.1:${backendPort + 1}`,
      exchangeUrl,
      consoleUrl,
      signInUrl: consoleUrl === null ? null : await createSignInUrl(service, consoleUrl),
      crashed: Promise.race(
        children.map(async ({ name, exited, lastWords }) => {
          await exited;
          return { name, lastWords: lastWords() };
        }),
      ),
      stop,
    };
  }
}

/** Deletes a desk's folder and nothing else: a folder that no desk has made is refused. */
function deleteDeskData(dataDir: string): void {
  if (!existsSync(dataDir) || readdirSync(dataDir).length === 0) return;
  if (!existsSync(join(dataDir, "keys", "signing.json"))) {
    throw new DeskError(
      `${dataDir} does not look like a desk's data folder; --fresh deletes nothing there. Delete it yourself, or choose another with --data.`,
    );
  }
  rmSync(dataDir, { recursive: true, force: true });
}

function launcher(root: string, dataDir: string) {
  return (
    name: string,
    script: string,
    args: string[],
    env: Record<string, string>,
    signal: AbortSignal,
  ): Promise<Child> => {
    const isTypeScript = script.endsWith(".ts");
    const child = {
      name,
      command: process.execPath,
      args: [...(isTypeScript ? ["--import", "tsx"] : []), join(root, script), ...args],
      env,
      logDir: join(dataDir, "logs"),
      ready: isTypeScript ? /^ready / : /Ready in|Local:/,
      timeoutMs: 90_000,
    };
    return startChild(child, signal);
  };
}

async function serviceClient(convexUrl: string, keyFile: string): Promise<ConvexHttpClient> {
  const token = createTokenSource(readSigningKey(keyFile), ISSUER, "service:desk", Date.now);
  const client = new ConvexHttpClient(convexUrl, { logger: false });
  client.setAuth(await token());
  return client;
}

async function createSignInUrl(service: ConvexHttpClient, consoleUrl: string): Promise<string> {
  const code = randomBytes(24).toString("base64url");
  await service.mutation(api.access.worker.createLink, {
    codeHash: createHash("sha256").update(code).digest("hex"),
    role: "admin",
    subject: "local:owner",
    displayName: "Owner",
  });
  return `${consoleUrl}/sign-in?code=${code}`;
}

async function waitForHttp(url: string, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      const response = await fetch(url, { redirect: "manual" });
      if (response.status < 500) return;
    } catch {
      // Not listening yet.
    }
    if (Date.now() > deadline) throw new DeskError(`${url} did not answer within ${timeoutMs / 1000} s.`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
