/** Runs one command of a stage: bounded in time, and with everything it started ended when it is over. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

export interface CommandResult {
  ok: boolean;
  /** What it printed, when it was not streamed. */
  output: string;
  /** Why it failed, in words: exit code, signal or time limit. */
  reason: string;
}

export interface CommandOptions {
  timeoutMs: number;
  /** Prints while it runs, for stages that take minutes. */
  stream?: boolean;
  env?: Record<string, string>;
}

/** Path of a package's executable in node_modules. */
export const bin = (name: string): string => join(ROOT, "node_modules/.bin", name);

const running = new Set<ChildProcess>();

/** Ends the process group: test runners leave browsers and servers behind when only they are killed. */
function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Ends what is still running; for Ctrl-C. */
export function endAll(): void {
  for (const child of running) endGroup(child, "SIGTERM");
}

/** Never rejects: a command that cannot start is a failed result that says so. */
export function runCommand(command: string, args: string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", options.stream ? "inherit" : "pipe", options.stream ? "inherit" : "pipe"],
      detached: true,
    });
    running.add(child);
    let output = "";
    let timedOut = false;
    const collect = (chunk: Buffer) => {
      output += chunk.toString("utf8");
    };
    child.stdout?.on("data", collect);
    child.stderr?.on("data", collect);
    const timer = setTimeout(() => {
      timedOut = true;
      endGroup(child, "SIGTERM");
      setTimeout(() => endGroup(child, "SIGKILL"), 5_000).unref();
    }, options.timeoutMs);
    const finish = (ok: boolean, reason: string) => {
      clearTimeout(timer);
      running.delete(child);
      endGroup(child, "SIGKILL");
      resolve({ ok, output, reason });
    };
    child.once("error", (error) => finish(false, `cannot start ${command}: ${error.message}`));
    child.once("close", (code, signal) => {
      if (timedOut) finish(false, `not finished after ${options.timeoutMs / 60_000} minutes`);
      else finish(code === 0, signal === null ? `exit code ${code}` : `ended by ${signal}`);
    });
  });
}
