import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FIXTURE_FUNCTIONS, temporaryData } from "../../../tests/backend/spawnBackend";
import { systemPorts } from "../ports";
import { type RunningBackend, startBackend } from "../startBackend";
import { ComputeClock } from "./computeMeter";

const api = anyApi;
const data = temporaryData();
let running: RunningBackend;
let client: ConvexHttpClient;

beforeAll(async () => {
  running = await startBackend({
    functionsDir: FIXTURE_FUNCTIONS,
    dataDir: data.dataDir,
    computeLimitMs: 50,
  });
  client = new ConvexHttpClient(running.url, { logger: false });
});

afterAll(async () => {
  await running?.close();
  data.remove();
});

const compute = (ms: number, pieces: number) => client.query(api.messages!.compute!, { ms, pieces });

describe("a query that computes", () => {
  it("fails over the limit, in one go and in pieces with reads between, in Convex's words", async () => {
    const sentence = /Function execution timed out \(maximum duration: 0.05s\)/;
    await expect(compute(600, 1)).rejects.toThrow(sentence);
    await expect(compute(600, 12)).rejects.toThrow(sentence);
  });

  it("succeeds under it", async () => {
    expect(await compute(1, 5)).toEqual(expect.any(Number));
  });
});

describe("the compute meter", () => {
  function clocks() {
    let ms = 0;
    let cpu = 0;
    const clock = new ComputeClock({ ...systemPorts, elapsedMs: () => ms, cpuMs: () => cpu }, 1000);
    const pass = (wallMs: number, cpuMs = wallMs) => {
      ms += wallMs;
      cpu += cpuMs;
    };
    return { clock, pass };
  }

  it("counts what runs and not what waits", () => {
    const { clock, pass } = clocks();
    const meter = clock.start();
    for (let i = 0; i < 3; i++) {
      meter.resume();
      pass(300);
      meter.pause();
      pass(5000);
    }
    expect(() => meter.assertWithinLimit()).not.toThrow();
    meter.resume();
    pass(300);
    meter.pause();
    expect(() => meter.assertWithinLimit()).toThrow(/maximum duration: 1s/);
  });

  it("charges nobody for what a neighbour computes in the same turn, nor for a machine that is busy elsewhere", () => {
    const { clock, pass } = clocks();
    const [waiting, computing] = [clock.start(), clock.start()];
    waiting.resume();
    computing.resume();
    pass(1500);
    computing.pause();
    waiting.pause();
    expect(() => waiting.assertWithinLimit()).not.toThrow();
    const starved = clock.start();
    starved.resume();
    pass(5000, 100);
    starved.pause();
    expect(() => starved.assertWithinLimit()).not.toThrow();
  });
});
