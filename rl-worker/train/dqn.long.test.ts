import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { float32ToBytes } from "../../lib/core/bytes";
import { createPrng } from "../../lib/core/prng";
import { sha256Hex } from "../../lib/core/sha256";
import { createPolicy } from "../../lib/policy/decide";
import { DenseNetwork } from "../../lib/policy/kernel/denseNetwork";
import { initialWeights } from "../../lib/policy/network";
import type { NetworkSpec } from "../../lib/policy/types";
import { duelingQ, exportWeights, trainDqn, writeDuelingGradient } from "./dqn";
import { DQN_DEFAULTS, type DqnPoint, type DqnSettings } from "./dqnTypes";
import { TrainingDivergedError } from "./ppoTypes";
import { ReplayBuffer, SumTree } from "./replayBuffer";
import { SignBandit } from "./signBandit.fixture";

const SETTINGS: DqnSettings = {
  ...DQN_DEFAULTS,
  seed: 7,
  environmentSteps: 12_000,
  hiddenSizes: [16, 16],
  envCount: 8,
  replayCapacity: 5_000,
  warmupSteps: 500,
  batchSize: 64,
  targetCopyUpdates: 100,
  learningRate: 2e-3,
  // The sign decides at once, so a long horizon would only add noise.
  gamma: 0.5,
};
const hash = (weights: Float32Array) => sha256Hex(float32ToBytes(weights));
const run = (settings = SETTINGS, more: Partial<Parameters<typeof trainDqn>[0]> = {}) =>
  trainDqn({ makeEnv: () => new SignBandit(), settings, nowMs: () => 0, ...more });

describe("dueling double DQN", () => {
  it("learns the sign rule to 95 % within 12,000 steps, uniformly and by priority", async () => {
    for (const prioritised of [0, 1] as const) {
      const points: DqnPoint[] = [];
      const settings = { ...SETTINGS, prioritised, nStep: prioritised ? 3 : 1 };
      const { weights, network } = await run(settings, { onProgress: (p) => void points.push(p) });
      expect(points.at(-1)!.environmentSteps).toBe(12_000);
      expect(points.at(-1)!.meanEpisodeReturn).toBeGreaterThan(17);
      expect(points.at(-1)!.epsilon).toBeLessThan(points[0]!.epsilon);
      const policy = createPolicy(network, weights);
      const prng = createPrng(99);
      let right = 0;
      for (let i = 0; i < 1000; i++) {
        const x = prng.nextGaussian();
        const { action } = policy.decide(Float32Array.from([x, prng.nextGaussian(), 1]));
        right += action === (x > 0 ? 1 : 0) ? 1 : 0;
      }
      expect(right).toBeGreaterThan(950);
    }
  });

  it("the same seed gives the same weights, another seed others, whatever the clock says", async () => {
    const short = { ...SETTINGS, environmentSteps: 2_000 };
    const first = hash((await run(short)).weights);
    let tick = 0;
    expect(hash((await run(short, { nowMs: () => (tick += 30) })).weights)).toBe(first);
    expect(hash((await run({ ...short, seed: 8 })).weights)).not.toBe(first);
  });

  it.each([
    ["uniform replay", {}],
    [
      "three-step returns and prioritised replay that has wrapped around",
      { nStep: 3, prioritised: 1, replayCapacity: 1_000 },
    ],
  ] as const)("W-04: stopped twice and resumed gives the bits of an unbroken run: %s", async (_, change) => {
    const settings: DqnSettings = { ...SETTINGS, ...change, environmentSteps: 10_000 };
    const unbroken = await run(settings);
    let resumeFrom: Uint8Array | undefined;
    for (let stop = 0; stop < 2; stop++) {
      const stopped = await run(settings, { resumeFrom, shouldStop: () => "checkpoint-and-stop" });
      expect(stopped.stoppedBy).toBe("request");
      resumeFrom = stopped.checkpoint;
    }
    const resumed = await run(settings, { resumeFrom });
    expect(resumed.stoppedBy).toBe("steps");
    expect(hash(resumed.weights)).toBe(hash(unbroken.weights));
    expect(resumed.checkpoint).toEqual(unbroken.checkpoint);
  });

  it("refuses a checkpoint of other settings, another dataset, or with one flipped bit", async () => {
    const stop = { shouldStop: () => "checkpoint-and-stop" as const, contextHash: "a" };
    const { checkpoint } = await run(SETTINGS, stop);
    await expect(run({ ...SETTINGS, seed: 9 }, { resumeFrom: checkpoint, contextHash: "a" })).rejects.toThrow(
      /other settings/,
    );
    await expect(run(SETTINGS, { resumeFrom: checkpoint, contextHash: "b" })).rejects.toThrow(
      /another dataset/,
    );
    const torn = checkpoint.slice();
    torn[torn.length >> 1]! ^= 1;
    await expect(run(SETTINGS, { resumeFrom: torn, contextHash: "a" })).rejects.toThrow(/CHECKSUM_MISMATCH/);
  });

  it("A-08: stops with the reason when a reward is NaN or Q runs away", async () => {
    const broken = run(SETTINGS, { makeEnv: () => new SignBandit(() => Number.NaN) });
    await expect(broken).rejects.toThrow(TrainingDivergedError);
    await expect(broken).rejects.toMatchObject({ reason: "NON_FINITE_REWARD" });
    // Without a horizon and with a reward at every step, Q has no bound.
    const runaway = run(
      { ...SETTINGS, gamma: 1, learningRate: 0.05, targetCopyUpdates: 1, divergenceQ: 5 },
      { makeEnv: () => new SignBandit(() => 1) },
    );
    await expect(runaway).rejects.toMatchObject({ reason: "Q_BLOW_UP" });
  });

  it("names a setting that is out of bounds", async () => {
    await expect(run({ ...SETTINGS, nStep: 0 })).rejects.toThrow(/settings.nStep/);
    await expect(run({ ...SETTINGS, epsilonEnd: 0.5 })).rejects.toThrow(/settings.epsilonEnd/);
    await expect(run({ ...SETTINGS, warmupSteps: 5_001 })).rejects.toThrow(/settings.warmupSteps/);
  });
});

describe("the dueling head", () => {
  const SPEC: NetworkSpec = { observationSize: 3, hiddenSizes: [8], actionCount: 3, activation: "tanh" };
  const networkOf = (seed: number, training: boolean) => {
    const net = new DenseNetwork(SPEC, { maxRows: 1, training });
    const weights = initialWeights(SPEC, createPrng(seed)).map((w, i) => w + 0.3 * Math.sin(i));
    net.setWeights(weights);
    net.observations.set([0.3, -0.8, 1.1]);
    net.forward(1);
    return { net, weights };
  };

  it("its gradient is that of Q = V + A - mean A by finite differences", () => {
    const { net } = networkOf(1, true);
    for (let action = 0; action < 3; action++) {
      writeDuelingGradient(net, 0, action, 0.7);
      for (const at of [0, 1, 2, net.valueColumn]) {
        const kept = net.outputs[at]!;
        const step = 2 ** -10;
        net.outputs[at] = kept + step;
        const up = duelingQ(net, 0, action);
        net.outputs[at] = kept - step;
        const slope = (up - duelingQ(net, 0, action)) / (2 * step);
        net.outputs[at] = kept;
        expect(net.outputGradient[at]).toBeCloseTo(0.7 * slope, 3);
      }
    }
  });

  it("exported, Q = value + temperature x logit, and the best action is the same", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: 0.01, max: 10, noNaN: true }),
        (seed, t) => {
          const { net, weights } = networkOf(seed, false);
          const policy = createPolicy(SPEC, exportWeights(SPEC, weights, t));
          const { logits, value, action } = policy.decide(Float32Array.from([0.3, -0.8, 1.1]));
          const q = [0, 1, 2].map((a) => duelingQ(net, 0, a));
          for (let a = 0; a < 3; a++) expect(value + t * logits[a]!).toBeCloseTo(q[a]!, 4);
          expect(q[action]).toBeCloseTo(Math.max(...q), 4);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe("replay over n steps", () => {
  const build = (nStep: number, capacity = 16) => {
    const stored = new Float32Array(capacity);
    const storedNext = new Float32Array(capacity);
    const options = { capacity, observationSize: 1, envCount: 2, nStep, gamma: 0.5, stored, storedNext };
    return { buffer: new ReplayBuffer(options), stored, storedNext };
  };
  const goesOn = { terminated: false, truncated: false };
  const rows = ({ buffer, stored, storedNext }: ReturnType<typeof build>) =>
    Array.from({ length: buffer.size }, (_, i) => [
      ...[stored[i], buffer.actions[i], buffer.rewards[i], buffer.discounts[i], storedNext[i]],
    ]);
  /** Steps environment 0: it sees 10, 11, 12 ... and earns 1, 2, 4 ... */
  const play = (at: ReturnType<typeof build>, ends: Array<typeof goesOn>) => {
    for (const [i, end] of ends.entries()) {
      at.buffer.add(0, Float32Array.of(10 + i, 0), i % 3, 2 ** i, Float32Array.of(11 + i, 0), end);
    }
    return rows(at);
  };

  it("sums n discounted rewards and bootstraps n steps later", () => {
    expect(play(build(3), [goesOn, goesOn, goesOn, goesOn])).toEqual([
      [10, 0, 1 + 1 + 1, 0.125, 13],
      [11, 1, 2 + 2 + 2, 0.125, 14],
    ]);
  });

  it("does not look beyond a termination", () => {
    expect(play(build(3), [goesOn, { terminated: true, truncated: false }])).toEqual([
      [10, 0, 1 + 1, 0, 12],
      [11, 1, 2, 0, 12],
    ]);
  });

  it("bootstraps from the last observation when a time limit cuts the episode", () => {
    expect(play(build(3), [goesOn, { terminated: false, truncated: true }])).toEqual([
      [10, 0, 1 + 1, 0.25, 12],
      [11, 1, 2, 0.5, 12],
    ]);
  });

  it("keeps environments apart, and replaces the oldest when it is full", () => {
    const at = build(2, 2);
    const see = (env: number, value: number) => {
      const [before, after] = [new Float32Array(2), new Float32Array(2)];
      before[env] = value;
      after[env] = value + 1;
      at.buffer.add(env, before, 0, value, after, goesOn);
    };
    see(0, 10);
    see(1, 50);
    see(0, 11);
    see(1, 51);
    expect(rows(at).map((row) => [row[0], row[4]])).toEqual([
      [10, 12],
      [50, 52],
    ]);
    see(0, 12);
    expect(rows(at).map((row) => [row[0], row[4]])).toEqual([
      [11, 13],
      [50, 52],
    ]);
  });
});

describe("sum tree", () => {
  it("finds the leaf that a scan from the left finds, after any changes", () => {
    const change = fc.tuple(fc.nat(12), fc.integer({ min: 0, max: 100 }));
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 1 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (changes, u) => {
          const tree = new SumTree(13);
          const leaves = new Array(13).fill(0);
          for (const [index, priority] of changes) {
            tree.set(index, priority);
            leaves[index] = priority;
          }
          const total = leaves.reduce((a, b) => a + b, 0);
          expect(tree.total()).toBe(total);
          if (total === 0) return;
          let left = u * total;
          let scan = 0;
          while (left >= leaves[scan]) left -= leaves[scan++];
          expect(tree.find(u * total)).toBe(scan);
        },
      ),
    );
  });
});
