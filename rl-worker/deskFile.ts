/**
 * `desk.json` in the data folder says which process runs the desk and where it answers. It is the lock of the
 * folder, and how the command line finds a running desk.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface DeskFile {
  pid: number;
  convexUrl: string;
  exchangeUrl: string | null;
  consoleUrl: string | null;
  worker: boolean;
  startedAtMs: number;
}

const NAME = "desk.json";

/** The running desk of a folder, or null when there is none (a dead process's file counts as none). */
export function readDesk(dataDir: string): DeskFile | null {
  let desk: DeskFile;
  try {
    desk = JSON.parse(readFileSync(join(dataDir, NAME), "utf8")) as DeskFile;
  } catch {
    return null;
  }
  try {
    process.kill(desk.pid, 0);
    return desk;
  } catch {
    return null;
  }
}

export function writeDesk(dataDir: string, desk: DeskFile): void {
  mkdirSync(dataDir, { recursive: true });
  const temporary = join(dataDir, `${NAME}.${desk.pid}`);
  writeFileSync(temporary, `${JSON.stringify(desk, null, 2)}\n`);
  renameSync(temporary, join(dataDir, NAME));
}

export function removeDesk(dataDir: string): void {
  rmSync(join(dataDir, NAME), { force: true });
}
