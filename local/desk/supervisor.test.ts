import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Child } from "./child";
import { supervise } from "./supervisor";

/** Test double of a process: it exits when told to. */
function fakeProcess(): Child & { exit(code: number): void } {
  let exit: (code: number) => void = () => {};
  const exited = new Promise<number>((resolve) => {
    exit = resolve;
  });
  return {
    name: "worker",
    readyLine: "ready",
    exited,
    exit: (code) => exit(code),
    stop: async () => exit(0),
  };
}

describe("supervise", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function supervised() {
    const started: ReturnType<typeof fakeProcess>[] = [];
    const said: string[] = [];
    const child = await supervise(
      async () => {
        const next = fakeProcess();
        started.push(next);
        return next;
      },
      (line) => said.push(line),
    );
    return { child, started, said };
  }

  test("W-09: a process that dies is started again, later each time", async () => {
    const { started, said } = await supervised();
    for (const [deaths, seconds] of [1, 2, 4].entries()) {
      started[deaths]!.exit(137);
      await vi.advanceTimersByTimeAsync(seconds * 1_000 - 1);
      expect(started).toHaveLength(deaths + 1);
      await vi.advanceTimersByTimeAsync(1);
      expect(started).toHaveLength(deaths + 2);
    }
    expect(said[0]).toBe("The worker ended unexpectedly (code 137); starting it again in 1 s ...");
  });

  test("a process that keeps dying is given up with its code; one that lived long is forgiven", async () => {
    const { child, started } = await supervised();
    for (let deaths = 0; deaths < 4; deaths++) {
      started.at(-1)!.exit(1);
      await vi.advanceTimersByTimeAsync(30_000);
    }
    await vi.advanceTimersByTimeAsync(60_001);
    for (let deaths = 0; deaths < 6; deaths++) {
      started.at(-1)!.exit(9);
      await vi.advanceTimersByTimeAsync(30_000);
    }
    expect(await child.exited).toBe(9);
    expect(started).toHaveLength(1 + 4 + 5);
  });

  test("stopping ends the process and starts no other", async () => {
    const { child, started } = await supervised();
    await child.stop(1_000);
    await child.exited;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(started).toHaveLength(1);
  });
});
