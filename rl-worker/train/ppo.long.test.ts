import { describe, expect, it } from "vitest";
import { float32ToBytes } from "../../lib/core/bytes";
import { createPrng } from "../../lib/core/prng";
import { sha256Hex } from "../../lib/core/sha256";
import { createPolicy } from "../../lib/policy/decide";
import type { Env } from "../env/types";
import { trainingKernel } from "../policy/trainingKernel";
import { trainPpo } from "./ppo";
import { generalisedAdvantages, policyLoss, type Sample, valueLoss } from "./ppoLoss";
import { PPO_DEFAULTS, type PpoSettings, type ProgressPoint, TrainingDivergedError } from "./ppoTypes";
import { makeEnvs, SignBandit } from "./signBandit.fixture";

const SETTINGS: PpoSettings = {
  ...PPO_DEFAULTS,
  seed: 7,
  environmentSteps: 20_000,
  hiddenSizes: [16, 16],
  envCount: 8,
  horizon: 64,
  minibatchSize: 128,
  // The sign decides at once, so a long horizon would only add noise.
  gamma: 0.5,
};

const hash = (weights: Float32Array) => sha256Hex(float32ToBytes(weights));
const run = (settings = SETTINGS, more: Partial<Parameters<typeof trainPpo>[0]> = {}) =>
  trainPpo({ makeEnv: () => new SignBandit(), settings, nowMs: () => 0, ...more });

describe("PPO", () => {
  it("learns the sign rule to 95 % within 20,000 steps", async () => {
    const points: ProgressPoint[] = [];
    const { weights, network } = await run(SETTINGS, { onProgress: (p) => void points.push(p) });
    expect(points.at(-1)!.environmentSteps).toBe(20_000);
    expect(points.at(-1)!.meanEpisodeReturn).toBeGreaterThan(18);
    expect(points.at(-1)!.entropy).toBeLessThan(points[0]!.entropy);
    const policy = createPolicy(network, weights);
    const prng = createPrng(99);
    let right = 0;
    for (let i = 0; i < 1000; i++) {
      const x = prng.nextGaussian();
      const { action } = policy.decide(Float32Array.from([x, prng.nextGaussian(), 1]));
      right += action === (x > 0 ? 1 : 0) ? 1 : 0;
    }
    expect(right).toBeGreaterThan(950);
  });

  it("the same seed gives the same weights, another seed others, whatever the clock says", async () => {
    const short = { ...SETTINGS, environmentSteps: 3_000 };
    const first = hash((await run(short)).weights);
    let tick = 0;
    expect(hash((await run(short, { nowMs: () => (tick += 30) })).weights)).toBe(first);
    expect(hash((await run({ ...short, seed: 8 })).weights)).not.toBe(first);
  });

  it("W-04: a stopped run resumed from its checkpoint ends with the bits of an unbroken one", async () => {
    const unbroken = await run({ ...SETTINGS, environmentSteps: 5_000 });
    let iterations = 0;
    const stopped = await run(
      { ...SETTINGS, environmentSteps: 5_000 },
      { shouldStop: () => (++iterations === 4 ? "checkpoint-and-stop" : "continue") },
    );
    expect(stopped.stoppedBy).toBe("request");
    expect(stopped.environmentSteps).toBeLessThan(5_000);
    const resumed = await run({ ...SETTINGS, environmentSteps: 5_000 }, { resumeFrom: stopped.checkpoint });
    expect(resumed.stoppedBy).toBe("steps");
    expect(hash(resumed.weights)).toBe(hash(unbroken.weights));
    expect(resumed.checkpoint).toEqual(unbroken.checkpoint);
  });

  it("W-04: the last periodic checkpoint before a crash can always be resumed, to the same bits", async () => {
    const short = { ...SETTINGS, environmentSteps: 3_000 };
    const kept: Uint8Array[] = [];
    const whole = await run(short, { checkpointEvery: 1, onCheckpoint: (bytes) => void kept.push(bytes) });
    expect(kept).toHaveLength(Math.ceil(3_000 / 512) - 1);
    const resumed = await run(short, { resumeFrom: kept.at(-1) });
    expect(hash(resumed.weights)).toBe(hash(whole.weights));
  });

  it("refuses a checkpoint of other settings, another dataset, or with one flipped bit", async () => {
    const short = { ...SETTINGS, environmentSteps: 3_000 };
    const stop = { shouldStop: () => "checkpoint-and-stop" as const, contextHash: "a" };
    const { checkpoint } = await run(short, stop);
    await expect(run({ ...short, seed: 9 }, { resumeFrom: checkpoint, contextHash: "a" })).rejects.toThrow(
      /other settings/,
    );
    await expect(run(short, { resumeFrom: checkpoint, contextHash: "b" })).rejects.toThrow(/another dataset/);
    const flipped = checkpoint.slice();
    flipped[flipped.length >> 1]! ^= 1;
    await expect(run(short, { resumeFrom: flipped })).rejects.toThrow(/CHECKSUM_MISMATCH/);
  });

  it("A-08: NaN rewards and a KL blow-up stop with the reason and leave no weights", async () => {
    const broken = run(SETTINGS, { makeEnv: () => new SignBandit(() => Number.NaN) });
    await expect(broken).rejects.toThrow(TrainingDivergedError);
    await expect(broken).rejects.toMatchObject({ reason: "NON_FINITE_REWARD", code: "TRAINING_DIVERGED" });
    const wild = run({ ...SETTINGS, learningRate: 1, targetKl: 0, divergenceKl: 0.05, maxGradientNorm: 100 });
    await expect(wild).rejects.toMatchObject({ reason: "KL_BLOW_UP" });
  });

  it("the number of threads changes no bit, and a run may go on with another number", async () => {
    const source = (data = 0) => ({
      envSource: { moduleUrl: new URL("./signBandit.fixture.ts", import.meta.url).href, data },
      makeEnv: makeEnvs(data),
    });
    const short = { ...SETTINGS, environmentSteps: 3_000, gradientLanes: 3, minibatchSize: 100 };
    const one = await run(short, source());
    const two = await run(short, { ...source(), threads: 2 });
    expect(hash(two.weights)).toBe(hash(one.weights));
    expect(two.checkpoint).toEqual(one.checkpoint);
    // Two trunks are shared out to the threads by trunk, and their rows by halves; 300 rows are more than a block.
    const sides = { ...short, separateTrunks: 1 as const, gradientLanes: 4, minibatchSize: 300 };
    const sideBySide = await run(sides, { ...source(), threads: 2 });
    expect(hash(sideBySide.weights)).toBe(hash((await run(sides, source())).weights));
    let iterations = 0;
    const shouldStop = () => (++iterations === 3 ? ("checkpoint-and-stop" as const) : ("continue" as const));
    const stopped = await run(short, { ...source(), threads: 3, shouldStop });
    const resumed = await run(short, { ...source(), threads: 2, resumeFrom: stopped.checkpoint });
    expect(hash(resumed.weights)).toBe(hash(one.weights));

    const broken = run(short, { ...source(100), threads: 2 });
    await expect(broken).rejects.toThrow(/step 100 is broken/);
    const wild = { ...short, learningRate: 1, targetKl: 0, divergenceKl: 0.05, maxGradientNorm: 100 };
    await expect(run(wild, { ...source(), threads: 2 })).rejects.toMatchObject({ reason: "KL_BLOW_UP" });
    await expect(run(short, { ...source(), threads: 4 })).rejects.toThrow(/threads must be .* 1 .. 3/);
  });

  it("each kernel has its own bits, the same in every run, and a checkpoint keeps to its kernel", async () => {
    const short = { ...SETTINGS, environmentSteps: 2_000 };
    const stop = { shouldStop: () => "checkpoint-and-stop" as const };
    const kernel = trainingKernel("auto");
    const first = await run(short, { kernel });
    expect(first.kernelVersion).toBe(kernel.version);
    expect(hash((await run(short, { kernel })).weights)).toBe(hash(first.weights));
    const baseline = await run(short, stop);
    if (kernel.version === baseline.kernelVersion) return; // this machine has no fused multiply-add
    expect(hash((await run(short)).weights)).not.toBe(hash(first.weights));
    const foreign = run(short, { kernel, resumeFrom: baseline.checkpoint });
    await expect(foreign).rejects.toThrow(/made with kernel dense-f32-simd128-1/);
  });

  it("learns with separate trunks, raw advantages and falling coefficients as well", async () => {
    const settings: PpoSettings = { ...SETTINGS, separateTrunks: 1, entropyFinalFraction: 0.1 };
    const points: ProgressPoint[] = [];
    const { network } = await run(settings, { onProgress: (p) => void points.push(p) });
    expect(network.trunk).toBe("separate");
    expect(points.at(-1)!.meanEpisodeReturn).toBeGreaterThan(18);
    const raw = await run({ ...settings, normaliseAdvantages: 0, environmentSteps: 4_000 });
    expect(raw.metrics.meanEpisodeReturn).toBeGreaterThan(points[0]!.meanEpisodeReturn!);
    const still = await run({ ...SETTINGS, learningRateFinalFraction: 1, environmentSteps: 1_100 });
    expect(still.metrics.learningRate).toBe(SETTINGS.learningRate);
  });

  it("refuses bad settings by field and limit", async () => {
    await expect(run({ ...SETTINGS, gamma: 1.1 })).rejects.toThrow(/settings.gamma must be in 0 .. 1/);
    await expect(run({ ...SETTINGS, envCount: 0 })).rejects.toThrow(/settings.envCount/);
  });

  it("gives way to the event loop while it trains", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    let tick = 0;
    await run({ ...SETTINGS, environmentSteps: 2_000 }, { nowMs: () => (tick += 10) });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });
});

describe("generalised advantages", () => {
  it("equals a hand computation with an episode end inside, over two interleaved environments", () => {
    // gamma 0.5, lambda 0.5. Environment 0: r = 1, 2, 3; V = 4, 5, 6; last value 8; step 1 ends an episode.
    // delta2 = 3 + 0.5*8 - 6 = 1; A2 = 1. delta1 = 2 - 5 = -3; A1 = -3. delta0 = 1 + 0.5*5 - 4 = -0.5;
    // A0 = -0.5 + 0.25 * -3 = -1.25.
    // Environment 1: r = 0, 0, 1; V = 0, 0, 0; last value 0: A2 = 1, A1 = 0.25, A0 = 0.0625.
    const advantages = new Float64Array(6);
    const returns = new Float64Array(6);
    generalisedAdvantages({
      rewards: Float64Array.from([1, 0, 2, 0, 3, 1]),
      values: Float64Array.from([4, 0, 5, 0, 6, 0]),
      ended: [0, 0, 1, 0, 0, 0],
      lastValues: Float64Array.from([8, 0]),
      gamma: 0.5,
      lambda: 0.5,
      advantages,
      returns,
    });
    expect([...advantages]).toEqual([-1.25, 0.0625, -3, 0.25, 1, 1]);
    expect([...returns]).toEqual([2.75, 0.0625, 2, 0.25, 7, 1]);
  });
});

describe("PPO loss of one sample", () => {
  it("its gradient equals finite differences, on both sides of the clip and for both signs of advantage", () => {
    const s = { clipRange: 0.2, entropyCoefficient: 0.3, valueCoefficient: 0.7 };
    const outputs = Float32Array.from([0.5, -0.25, 1.125, 2]);
    const row = { probabilities: new Float64Array(3), logProbs: new Float64Array(3) };
    const total = (o: Float32Array, sample: Sample) => {
      const net = { outputs: o, outputGradient: new Float32Array(4) };
      const sums = new Float64Array(5);
      policyLoss(s, sample, net, 0, 1, row, sums);
      valueLoss(s, sample, net, 3, 1, sums);
      const [policy, value, entropy] = sums as unknown as [number, number, number];
      return policy + s.valueCoefficient * value - s.entropyCoefficient * entropy;
    };
    for (const advantage of [1.5, -1.5]) {
      for (const oldLogProb of [-0.2, -1.2, -1.5, -2.5]) {
        const sample = { action: 0, oldLogProb, advantage, valueTarget: 1.25 };
        const gradient = new Float32Array(4);
        const net = { outputs, outputGradient: gradient };
        policyLoss(s, sample, net, 0, 1, row, new Float64Array(5));
        valueLoss(s, sample, net, 3, 1, new Float64Array(5));
        for (let i = 0; i < 4; i++) {
          const h = 2 ** -10; // exact in float32 beside these outputs
          const up = outputs.slice();
          const down = outputs.slice();
          up[i]! += h;
          down[i]! -= h;
          expect((total(up, sample) - total(down, sample)) / (2 * h)).toBeCloseTo(gradient[i]!, 5);
        }
      }
    }
  });
});

describe("episode ends", () => {
  /** A test double: pays 1 a step and ends every second step, by time limit or by its own rules. */
  const constantEnv = (end: "truncated" | "terminated"): Env => {
    let left = 2;
    return {
      observationSize: 1,
      actionCount: 2,
      reset: () => {
        left = 2;
      },
      observe: (out, offset) => {
        out[offset] = 1;
      },
      step: () => {
        left--;
        const done = left === 0;
        return {
          reward: 1,
          terminated: end === "terminated" && done,
          truncated: end === "truncated" && done,
        };
      },
      snapshot: () => left,
      restore: (state) => {
        left = state as number;
      },
    };
  };
  const valueAfter = async (end: "truncated" | "terminated") => {
    const settings: PpoSettings = {
      ...SETTINGS,
      gamma: 0.8,
      rewardScaling: 0,
      environmentSteps: 60_000,
      learningRate: 3e-3,
    };
    const { network, weights } = await run(settings, { makeEnv: () => constantEnv(end) });
    return createPolicy(network, weights).decide(Float32Array.from([1])).value;
  };

  it("a time limit is bootstrapped: the value is that of going on for ever, 1 / (1 - gamma)", async () => {
    expect(await valueAfter("truncated")).toBeCloseTo(5, 1);
  });

  it("a real end is not: the value stays the mean of one and two steps' pay", async () => {
    expect(await valueAfter("terminated")).toBeCloseTo((1 + 1.8) / 2, 1);
  });
});
