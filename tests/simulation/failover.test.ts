/** A worker that dies in the middle of a run: the next one goes on, and nothing is decided or booked twice. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  assay,
  ROOT,
  type RunningUp,
  startUp,
  syntheticCsvLines,
  temporaryFolder,
  writeCsv,
} from "../support/assay";

const DAY_MS = 86_400_000;
const folder = temporaryFolder();
const data = join(folder.path, "desk");
const lines = syntheticCsvLines(32 * 1440, 5);
const firstDayMs = Math.ceil(Number(lines[0]!.split(",")[0]) / DAY_MS) * DAY_MS;
const day = (n: number) => new Date(firstDayMs + n * DAY_MS).toISOString().slice(0, 10);
const RUN = ["run", "start", "--instrument", "XAUT-USDT", "--from", day(27), "--to", day(31)];
let desk: RunningUp;
let worker: ChildProcess;

function startWorker(convexUrl: string): ChildProcess {
  return spawn(process.execPath, ["--import", "tsx", join(ROOT, "rl-worker/main.ts")], {
    cwd: ROOT,
    env: { ...process.env, ASSAY_CONVEX_URL: convexUrl, ASSAY_KEY_FILE: join(data, "keys", "signing.json") },
    stdio: "ignore",
  });
}

beforeAll(async () => {
  desk = await startUp([
    "--no-console",
    "--no-exchange",
    "--no-worker",
    "--backend-port",
    "0",
    "--data",
    data,
  ]);
  const file = writeCsv(join(folder.path, "bars.csv"), lines);
  await assay(data, "import", file, "--instrument", "XAUT-USDT", "--timeframe", "1m");
  const range = ["--from", day(14), "--to", day(27)];
  const built = await assay(
    data,
    "dataset",
    "build",
    "--instrument",
    "XAUT-USDT",
    "--timeframe",
    "15m",
    ...range,
    "--json",
  );
  await assay(
    data,
    "train",
    "--dataset",
    String(built.result?.datasetId),
    "--steps",
    "20000",
    "--seed",
    "3",
    "--json",
  );
});

afterAll(async () => {
  worker?.kill("SIGKILL");
  await desk?.stop();
  folder.remove();
});

test("W-05, W-06: a run whose worker is killed ends with exactly the decisions, fills and PnL of an unbroken one", async () => {
  const convexUrl = /Backend\s+(http\S+)/.exec(desk.output())![1]!;
  const unbroken = await assay(data, ...RUN, "--json");
  expect(unbroken.result).toMatchObject({ status: "finished", decisions: 4 * 96 });

  worker = startWorker(convexUrl);
  // Slow enough that the kill surely lands in the middle.
  const started = await assay(data, ...RUN, "--speed", "36000", "--detach", "--json");
  const runId = String(started.result?.runId);
  const status = async () =>
    (await assay(data, "run", "status", runId, "--json")).result as Record<string, number | string>;
  await until(async () => Number((await status()).decisions) > 0, 30_000);
  worker.kill("SIGKILL");
  const atDeath = await status();
  expect(atDeath.status).toBe("running");
  expect(Number(atDeath.decisions), "the run was over before the kill").toBeLessThan(4 * 96);

  worker = startWorker(convexUrl);
  await until(async () => (await status()).status === "finished", 120_000);
  const end = await status();
  const { decisions, holds, fills, netPnlUsd } = unbroken.result!;
  expect(end).toMatchObject({ decisions, holds, fills, netPnlUsd });
  expect((await assay(data, "replay", String(end.lastDecisionId), "--json")).result?.identical).toBe(true);
});

async function until(condition: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`the condition was not met in ${timeoutMs} ms`);
  }
}
