/** Drives the real `assay` command and the real desk as child processes, on a data folder of the test's own. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { randomWalk } from "../../lib/market/randomWalk.fixture";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** A file of the shared real data, or null on machines that do not have it. */
export function sharedData(name: string): string | null {
  const file = resolve(ROOT, "../shared/data", name);
  return existsSync(file) ? file : null;
}

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "assay-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface CommandEnd {
  code: number | null;
  /** The last line of stdout as JSON; null when it is not an object. */
  result: Record<string, unknown> | null;
  stdout: string;
  stderr: string;
}

export interface RunningCommand {
  child: ChildProcess;
  stderr(): string;
  end: Promise<CommandEnd>;
}

/** Starts `assay <args>` without waiting. */
export function startAssay(dataDir: string, args: string[]): RunningCommand {
  const child = spawn(process.execPath, ["--import", "tsx", join(ROOT, "rl-worker/cli/main.ts"), ...args], {
    cwd: ROOT,
    env: { ...process.env, ASSAY_DATA: dataDir },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString("utf8");
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("utf8");
  });
  const end = new Promise<CommandEnd>((done) => {
    child.once("close", (code) => done({ code, result: lastObject(stdout), stdout, stderr }));
  });
  return { child, stderr: () => stderr, end };
}

export function assay(dataDir: string, ...args: string[]): Promise<CommandEnd> {
  return startAssay(dataDir, args).end;
}

function lastObject(stdout: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

export interface RunningUp {
  output(): string;
  child: ChildProcess;
  stop(): Promise<number | null>;
}

/** `npm start` with these options; resolves when its screen says it is ready, rejects with its output otherwise. */
export function startUp(args: string[], timeoutMs = 180_000): Promise<RunningUp> {
  const child = spawn(process.execPath, ["--import", "tsx", join(ROOT, "local/up.ts"), ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const exited = new Promise<number | null>((done) => child.once("exit", done));
  return new Promise((done, fail) => {
    const timer = setTimeout(() => {
      child.kill("SIGTERM");
      fail(new Error(`the desk was not ready in ${timeoutMs} ms:\n${output}`));
    }, timeoutMs);
    const listen = (chunk: Buffer) => {
      output += chunk.toString("utf8");
      if (!output.includes("Ctrl-C stops everything")) return;
      clearTimeout(timer);
      const stop = () => {
        child.kill("SIGINT");
        return exited;
      };
      done({ output: () => output, child, stop });
    };
    child.stdout.on("data", listen);
    child.stderr.on("data", listen);
    void exited.then((code) => {
      clearTimeout(timer);
      fail(new Error(`the desk ended with ${code}:\n${output}`));
    });
  });
}

const HEADER = "timestamp_ms,open,high,low,close,volume";

/** Lines of a synthetic 1m candle file: a seeded random walk, plainly not a market. */
export function syntheticCsvLines(rows: number, seed: number): string[] {
  const { openTimeMs, open, high, low, close, volume } = randomWalk(rows, 60_000, seed);
  return Array.from(openTimeMs, (time, i) => [time, open[i], high[i], low[i], close[i], volume[i]].join(","));
}

export function writeCsv(file: string, lines: string[]): string {
  writeFileSync(file, `${[HEADER, ...lines].join("\n")}\n`);
  return file;
}
