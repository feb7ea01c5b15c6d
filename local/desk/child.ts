/** One of the desk's processes: started, waited for, watched, and stopped in an orderly way. */
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";

export interface ChildOptions {
  name: string;
  command: string;
  args: string[];
  env: Record<string, string>;
  /** Log file folder; stderr and stdout go to `<name>.log` in it. */
  logDir: string;
  /** The first stdout line that matches says the process is ready. */
  ready: RegExp;
  timeoutMs: number;
}

export interface Child {
  name: string;
  readyLine: string;
  /** The exit code, or 128 and the signal's number as shells count. */
  exited: Promise<number>;
  /** The end of what it wrote, for the operator. */
  lastWords(): string;
  stop(graceMs: number): Promise<void>;
}

/** Starts a process and resolves when it says it is ready; rejects with its last words when it does not, or at the signal. */
export function startChild(options: ChildOptions, signal?: AbortSignal): Promise<Child> {
  const { name, command, args, env, logDir, ready, timeoutMs } = options;
  mkdirSync(logDir, { recursive: true });
  const log = createWriteStream(join(logDir, `${name}.log`), { flags: "a" });
  // A group of its own, so that Ctrl-C reaches only us and we decide the order of stopping.
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const exited = new Promise<number>((resolve) => {
    child.once("exit", (code, signal) =>
      resolve(code ?? (signal === null ? 1 : 128 + constants.signals[signal])),
    );
    child.once("error", () => resolve(1));
  });
  let lastWords = "";
  const listen = (chunk: Buffer) => {
    log.write(chunk);
    lastWords = (lastWords + chunk.toString("utf8")).slice(-2_000);
  };
  child.stderr.on("data", listen);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => fail(`did not answer within ${timeoutMs / 1000} s`), timeoutMs);
    let buffered = "";
    let isSettled = false;
    child.stdout.on("data", (chunk: Buffer) => {
      listen(chunk);
      if (isSettled) return;
      buffered += chunk.toString("utf8");
      const line = buffered.split("\n").find((candidate) => ready.test(candidate));
      if (line === undefined) return;
      isSettled = true;
      clearTimeout(timer);
      resolve({
        name,
        readyLine: line,
        exited,
        lastWords: () => tail(lastWords),
        stop: (graceMs) => stopChild(child, exited, graceMs),
      });
    });
    const fail = (why: string) => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      void stopChild(child, exited, 2_000).then(() =>
        reject(new Error(`The ${name} ${why}.\n${tail(lastWords)}`)),
      );
    };
    signal?.addEventListener("abort", () => fail("was stopped before it was ready"), { once: true });
    void exited.then((code) => fail(`ended with code ${code} before it was ready`));
  });
}

function tail(text: string): string {
  return text.trimEnd().split("\n").slice(-6).join("\n");
}

async function stopChild(child: ChildProcess, exited: Promise<number>, graceMs: number): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  signalGroup(child.pid, "SIGTERM");
  const timer = setTimeout(() => signalGroup(child.pid!, "SIGKILL"), graceMs);
  await exited;
  clearTimeout(timer);
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Already gone.
  }
}
