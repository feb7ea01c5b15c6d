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
    lastWords: () => "last words",
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
    expect(said[0]).toBe(
      "last words\nThe worker ended unexpectedly (code 137); starting it again in 1 s ...",
    );
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

  test("a process that cannot start again is tried as often, then given up with the reason", async () => {
    const said: string[] = [];
    const first = fakeProcess();
    let starts = 0;
    const child = await supervise(
      async () => {
        if (starts++ === 0) return first;
        throw new Error(`The store is damaged (try ${starts - 1})`);
      },
      (line) => said.push(line),
    );
    first.exit(1);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(await child.exited).toBe(1);
    expect(starts).toBe(1 + 5);
    expect(child.lastWords()).toBe("The store is damaged (try 5)");
    expect(said[1]).toBe("The store is damaged (try 1); starting it again in 2 s ...");
  });

  test("stopping ends a start that is under way", async () => {
    const first = fakeProcess();
    let starts = 0;
    const child = await supervise(
      (signal) => {
        if (starts++ === 0) return Promise.resolve(first);
        return new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(new Error("stopped"))),
        );
      },
      () => {},
    );
    first.exit(1);
    await vi.advanceTimersByTimeAsync(5_000);
    await child.stop(1_000);
    expect(await child.exited).toBe(1);
  });

  test("stopping ends the process and starts no other", async () => {
    const { child, started } = await supervised();
    await child.stop(1_000);
    await child.exited;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(started).toHaveLength(1);
  });
});
