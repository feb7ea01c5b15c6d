/** The desk a command talks to: the one running on the data folder, or one started for the time of the command. */
import { spawn } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { readSigningKey } from "../config";
import { type DeskFile, readDesk } from "../deskFile";
import { connectDesk, type Desk } from "../transport/desk";
import { mintToken } from "../transport/identity";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const ISSUER = "https://assay.local";
const START_TIMEOUT_MS = 60_000;

/** A refusal or failure with a sentence for the person; exit code 1. */
export class CommandError extends Error {}

/** Wrong usage; exit code 2. */
export class UsageError extends Error {}

export interface Session {
  /** The command line as a member of the desk (admin on its own machine). */
  person: Desk;
  /** The command line as a service: imports. */
  service: Desk;
  desk: DeskFile;
  /** A token of this desk for a subject; made here because only the data folder holds the key. */
  sign(subject: string, expiresAtMs: number): Promise<string>;
  close(): Promise<void>;
}

export function dataDirOf(option: string | undefined): string {
  return resolve(option ?? process.env.ASSAY_DATA ?? ".assay");
}

interface Helper {
  stop(): Promise<void>;
}

/** Starts a process of our own beside the command and waits until `isReady` says so. */
async function startHelper(
  script: string,
  args: string[],
  env: Record<string, string>,
  isReady: (output: string) => boolean,
): Promise<Helper> {
  const child = spawn(process.execPath, ["--import", "tsx", join(ROOT, script), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env, ASSAY_PARENT_PID: String(process.pid) },
    stdio: ["ignore", "pipe", "pipe"],
    // Ctrl-C must reach the command only, which then asks for an orderly end.
    detached: true,
  });
  let output = "";
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString("utf8")).slice(-2_000);
  });
  const exited = new Promise<void>((done) => child.once("exit", () => done()));
  await new Promise<void>((done, fail) => {
    const timer = setTimeout(
      () => fail(new CommandError(`${script} did not start: ${complaint}`)),
      START_TIMEOUT_MS,
    );
    const settle = (act: () => void) => {
      clearTimeout(timer);
      act();
    };
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString("utf8");
      if (isReady(output)) settle(done);
    });
    void exited.then(() =>
      settle(() => fail(new CommandError(complaint.trim() || `${script} ended at once`))),
    );
  });
  return {
    async stop() {
      if (child.exitCode === null) child.kill("SIGTERM");
      await exited;
    },
  };
}

const ANSWER_TIMEOUT_MS = 10_000;

/** The WebSocket client would wait for ever; a person wants to know. */
async function assertAnswers({ convexUrl }: DeskFile, dataDir: string): Promise<void> {
  try {
    const response = await fetch(`${convexUrl}/version`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
    if (response.ok) return;
  } catch {
    // Said below.
  }
  throw new CommandError(
    `The desk's backend at ${convexUrl} does not answer; see ${dataDir}/logs/backend.log and start the desk again`,
  );
}

const sayWaiting = (message: string) => void process.stderr.write(`${message} ...\n`);

/** Connects to the running desk, or starts a backend (and a worker when needed) on the folder. */
export async function openSession(options: {
  data?: string;
  needsWorker: boolean;
  /** Refuse when no desk runs: the command leaves work behind that needs one. */
  mustRun?: boolean;
}): Promise<Session> {
  const dataDir = dataDirOf(options.data);
  const helpers: Helper[] = [];
  let desk = readDesk(dataDir);
  if (desk === null && options.mustRun) {
    throw new CommandError(
      `No desk runs on ${dataDir} to go on with this after the command; start one with: npm start`,
    );
  }
  if (desk === null) {
    process.stderr.write(`No desk runs on ${dataDir}; starting one for this command ...\n`);
    const flags = ["--no-console", "--no-exchange", "--backend-port", "0", "--data", dataDir];
    if (!options.needsWorker) flags.push("--no-worker");
    helpers.push(
      await startHelper("local/up.ts", flags, {}, (text) => text.includes("Ctrl-C stops everything")),
    );
    desk = readDesk(dataDir);
    if (desk === null) throw new CommandError(`The desk on ${dataDir} did not stay up; see ${dataDir}/logs`);
  }
  const keyFile = join(dataDir, "keys", "signing.json");
  if (options.needsWorker && !desk.worker) {
    const env = { ASSAY_CONVEX_URL: desk.convexUrl, ASSAY_KEY_FILE: keyFile, ASSAY_AUTH_ISSUER: ISSUER };
    process.stderr.write("The desk has no worker; starting one for this command ...\n");
    helpers.push(await startHelper("rl-worker/main.ts", [], env, (text) => text.startsWith("ready ")));
  }
  await assertAnswers(desk, dataDir);
  const identity = { convexUrl: desk.convexUrl, key: readSigningKey(keyFile), issuer: ISSUER };
  const person = connectDesk({ ...identity, subject: "local:cli" }, { onWait: sayWaiting });
  const service = connectDesk({ ...identity, subject: "service:cli" }, { onWait: sayWaiting });
  return {
    person,
    service,
    desk,
    sign: (subject, expiresAtMs) => mintToken(identity.key, ISSUER, subject, expiresAtMs),
    async close() {
      await Promise.all([person.close(), service.close()]);
      for (const helper of helpers.reverse()) await helper.stop();
    },
  };
}
