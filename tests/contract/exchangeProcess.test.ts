import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "assay-exchange-"));
const running = new Set<ChildProcess>();

interface Started {
  child: ChildProcess;
  /** Resolves with the address once it is ready, or rejects with what it said before it ended. */
  ready: Promise<string>;
  ended: Promise<{ code: number | null; stderr: string }>;
}

function start(...options: string[]): Started {
  const child = spawn(process.execPath, ["--import", "tsx", "local/exchange/main.ts", ...options], {
    cwd: ROOT,
  });
  running.add(child);
  let stdout = "";
  let stderr = "";
  child.stderr.on("data", (data) => (stderr += data));
  const ended = new Promise<{ code: number | null; stderr: string }>((resolve) => {
    child.on("close", (code) => {
      running.delete(child);
      resolve({ code, stderr });
    });
  });
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (data) => {
      stdout += data;
      const line = /^ready (http:\S+)$/m.exec(stdout);
      if (line) resolve(line[1]!);
    });
    ended.then(() => reject(new Error(stderr)));
  });
  ready.catch(() => {});
  return { child, ready, ended };
}

afterAll(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

test("it says ready, refuses a busy port with a sentence, and ends cleanly on SIGTERM", async () => {
  const first = start("--port", "0", "--seed", "7");
  const url = await first.ready;
  const second = await start("--port", new URL(url).port).ended;
  expect(second.code).toBe(1);
  expect(second.stderr).toContain("port is taken");
  first.child.kill("SIGTERM");
  expect((await first.ended).code).toBe(0);
});

test("--speed runs the exchange's clock ahead, and a restart on the same folder does not turn it back", async () => {
  const first = start("--port", "0", "--seed", "7", "--speed", "3600", "--data", folder);
  const time = async (url: string) => {
    const body = (await (await fetch(`${url}/openApi/swap/v2/server/time`)).json()) as {
      data: { serverTime: number };
    };
    return body.data.serverTime;
  };
  const before = await time(await first.ready);
  first.child.kill("SIGTERM");
  await first.ended;
  const again = start("--port", "0", "--data", folder);
  const url = await again.ready;
  expect(await time(url)).toBeGreaterThan(before);
  const facts = (await (await fetch(`${url}/simulation`)).json()) as { seed: number };
  expect(facts.seed).toBe(7);
  again.child.kill("SIGTERM");
  await again.ended;
});

test("a folder that holds another market is refused, and a wrong option names itself", async () => {
  const other = await start("--port", "0", "--seed", "8", "--data", folder).ended;
  expect(other.code).toBe(1);
  expect(other.stderr).toContain("seed 7");
  const wrong = await start("--port", "seventy").ended;
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain("--port must be");
});
