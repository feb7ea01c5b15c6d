/** The one-command start: ready, refusing in one sentence, and stopping all of its processes. */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { assay, ROOT, type RunningUp, startUp, temporaryFolder } from "../support/assay";

const folder = temporaryFolder();
const running: RunningUp[] = [];
const FREE_PORTS = ["--no-console", "--backend-port", "0", "--exchange-port", "0"];
/** For what does not depend on how many processes there are. */
const BACKEND_ONLY = [...FREE_PORTS, "--no-exchange", "--no-worker"];

afterEach(async () => {
  for (const desk of running.splice(0)) await desk.stop();
});

afterAll(() => folder.remove());

async function start(...args: string[]): Promise<RunningUp> {
  const desk = await startUp(args);
  running.push(desk);
  return desk;
}

/** Runs the start to its end; for starts that must be refused. */
function refused(...args: string[]): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(process.execPath, ["--import", "tsx", join(ROOT, "local/up.ts"), ...args], {
    cwd: ROOT,
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString("utf8");
  });
  return new Promise((done) => child.once("close", (code) => done({ code, stderr: stderr.trim() })));
}

function processesOn(dataDir: string): string[] {
  const table = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
  return table.split("\n").filter((line) => line.includes(dataDir));
}

test("Ctrl-C stops every process of the desk, keeps the data, and exits with 0", async () => {
  const data = join(folder.path, "stops");
  const desk = await start(...FREE_PORTS, "--data", data);
  expect(desk.output()).toMatch(/SIMULATED/);
  expect(processesOn(data).length).toBeGreaterThanOrEqual(3);
  expect(await desk.stop()).toBe(0);
  running.length = 0;
  expect(processesOn(data)).toEqual([]);
  expect(existsSync(join(data, "keys", "signing.json"))).toBe(true);
  expect(existsSync(join(data, "desk.json"))).toBe(false);
});

/** Process id of the desk's process that runs that script. */
function pidOf(desk: RunningUp, script: string): number {
  const table = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(desk.child.pid)], {
    encoding: "utf8",
  });
  return Number.parseInt(table.split("\n").find((line) => line.includes(script))!, 10);
}

test("W-09: a worker or a backend that is killed runs again; the desk stays up and the audit chain verifies", async () => {
  const data = join(folder.path, "restarts");
  const desk = await start(...FREE_PORTS, "--data", data);
  process.kill(pidOf(desk, "rl-worker/main.ts"), "SIGKILL");
  await expect.poll(() => desk.output(), { timeout: 30_000 }).toContain("The worker runs again.");

  const worker = pidOf(desk, "rl-worker/main.ts");
  const tripped = await assay(data, "kill", "noNewRisk", "--reason", "before the crash", "--json");
  expect(tripped.code).toBe(0);
  process.kill(pidOf(desk, "local/backend/main.ts"), "SIGKILL");
  await expect.poll(() => desk.output(), { timeout: 30_000 }).toContain("The backend runs again.");
  expect(desk.output()).toContain("The backend ended unexpectedly (code 137)");
  // The worker is the only client that subscribes here, and it is the same process as before.
  const url = /Backend\s+(http\S+)/.exec(desk.output())![1]!;
  const subscriptions = async () => {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    return Number(/^backend_subscriptions (\d+)/m.exec(metrics)?.[1]);
  };
  await expect.poll(subscriptions, { timeout: 30_000 }).toBeGreaterThan(0);
  expect(pidOf(desk, "rl-worker/main.ts")).toBe(worker);
  const armed = await assay(data, "kill", "arm", "--reason", "after the crash", "--json");
  expect(armed.code).toBe(0);
  const verified = await assay(data, "audit", "verify", "--json");
  expect(verified.result).toMatchObject({ ok: true, firstBadLink: null });
  expect(desk.child.exitCode).toBeNull();
});

test("a second start on the same data is refused with one sentence and exit code 1", async () => {
  const data = join(folder.path, "twice");
  await start(...BACKEND_ONLY, "--data", data);
  const second = await refused(...BACKEND_ONLY, "--data", data);
  expect(second.code).toBe(1);
  expect(second.stderr).toMatch(/^A desk already runs on .*choose another folder with --data\.$/);
});

test("a busy port is refused with the port's name, its number and the flag that changes it", async () => {
  const blocker = createServer();
  await new Promise<void>((done) => blocker.listen(0, "127.0.0.1", done));
  const { port } = blocker.address() as { port: number };
  const end = await refused(
    "--no-console",
    "--exchange-port",
    "0",
    "--backend-port",
    String(port),
    "--data",
    join(folder.path, "busy"),
  );
  blocker.close();
  expect(end.code).toBe(1);
  expect(end.stderr).toContain(`Port ${port} for the backend is busy`);
  expect(end.stderr).toContain("--backend-port");
});

test("a wrong option is named and exits with 2", async () => {
  expect(await refused("--prot", "1")).toMatchObject({ code: 2, stderr: expect.stringContaining("--prot") });
  expect(await refused("--port", "70000")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("65535"),
  });
});

test("--fresh starts from nothing, a plain restart from what was there", async () => {
  const data = join(folder.path, "fresh");
  const keyOf = () => readFileSync(join(data, "keys", "signing.json"), "utf8");
  await (await start(...BACKEND_ONLY, "--data", data)).stop();
  const first = keyOf();
  await (await start(...BACKEND_ONLY, "--data", data)).stop();
  expect(keyOf()).toBe(first);
  await (await start(...BACKEND_ONLY, "--data", data, "--fresh")).stop();
  expect(keyOf()).not.toBe(first);
  running.length = 0;
});

test("--fresh refuses to delete a folder that no desk has made", async () => {
  const data = join(folder.path, "precious");
  mkdirSync(data);
  writeFileSync(join(data, "letters.txt"), "keep me");
  const end = await refused(...FREE_PORTS, "--data", data, "--fresh");
  expect(end.code).toBe(1);
  expect(end.stderr).toContain("does not look like a desk's data folder");
  expect(readFileSync(join(data, "letters.txt"), "utf8")).toBe("keep me");
});
