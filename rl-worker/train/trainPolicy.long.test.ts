import { describe, expect, it } from "vitest";
import { DEFAULT_COST_MODEL } from "../../lib/broker/costModels";
import { PORTFOLIO_FIELDS } from "../../lib/features/observation";
import { verifyArtifact } from "../../lib/policy/artifact";
import { DenseNetwork } from "../../lib/policy/kernel/denseNetwork";
import { KERNEL_VERSION } from "../../lib/policy/kernel/instance";
import { fromLayersModel } from "../../lib/policy/layersModel";
import { weightsHeldAtZero } from "../../lib/policy/network";
import { defaultEnvSpec } from "../env/envSpec";
import { syntheticMarket } from "../env/syntheticMarket.fixture";
import { trainingKernel } from "../policy/trainingKernel";
import { TrainingDivergedError } from "./ppoTypes";
import { type TrainOutcome, type TrainRequest, trainOnDataset } from "./trainPolicy";

const market = syntheticMarket(3_000);
const rules = {
  symbol: "MADE-UP",
  tickSize: 0.01,
  lotStep: 0.0001,
  minQty: 0.0001,
  minNotionalUsd: 2,
  maxLeverage: 50,
};

const REQUEST: TrainRequest = {
  dataset: market,
  identity: {
    datasetHash: "d".repeat(64),
    instrument: "MADE-UP",
    timeframe: "1m",
    featureSetId: "made-up",
    featureFingerprint: "f".repeat(64),
    observationFields: [...market.features.names, ...PORTFOLIO_FIELDS],
  },
  envSpec: { ...defaultEnvSpec(rules, DEFAULT_COST_MODEL), episodeBars: 60 },
  algorithm: "ppo",
  steps: 5_000,
  seed: 7,
  hyperparameters: { envCount: 4, horizon: 128, minibatchSize: 128, hiddenSizes: [16, 16] },
  nowMs: () => 0,
};

const trained = (outcome: TrainOutcome) => {
  if (outcome.status !== "trained") throw new Error(`expected a finished run, got ${outcome.status}`);
  return outcome.artifact;
};

describe("training on a dataset", () => {
  it("the same dataset, seed and settings give the same checksum, another seed another", async () => {
    const first = trained(await trainOnDataset(REQUEST));
    expect(trained(await trainOnDataset(REQUEST)).artifactSha256).toBe(first.artifactSha256);
    const other = trained(await trainOnDataset({ ...REQUEST, seed: 8 }));
    expect(other.artifactSha256).not.toBe(first.artifactSha256);
  });

  it("the artifact it returns verifies and names what it was trained on", async () => {
    const { manifest, files, artifactSha256 } = trained(await trainOnDataset(REQUEST));
    expect(verifyArtifact(manifest, files, artifactSha256).ok).toBe(true);
    expect(manifest).toMatchObject({
      algorithm: "ppo",
      seed: 7,
      environmentSteps: 5_000,
      environment: REQUEST.envSpec,
      datasetHash: REQUEST.identity.datasetHash,
      hyperparameters: { plannedSteps: 5_000, gamma: 0.99, fromRow: 20, toRow: 3_000 },
    });
  });

  it("W-04: stopped twice and resumed, through the trading environment, gives the unbroken checksum", async () => {
    const whole = trained(await trainOnDataset(REQUEST));
    let resumeFrom: Uint8Array | undefined;
    for (let stop = 0; stop < 2; stop++) {
      let iterations = 0;
      const shouldStop = () =>
        ++iterations === 3 ? ("checkpoint-and-stop" as const) : ("continue" as const);
      const outcome = await trainOnDataset({ ...REQUEST, resumeFrom, shouldStop });
      if (outcome.status !== "stopped") throw new Error("expected a stop");
      resumeFrom = outcome.checkpoint;
    }
    expect(trained(await trainOnDataset({ ...REQUEST, resumeFrom })).artifactSha256).toBe(
      whole.artifactSha256,
    );
  });

  it("DQN, through the trading environment: a verified artifact with its temperature, resumed to the same checksum", async () => {
    const request: TrainRequest = {
      ...REQUEST,
      algorithm: "dqn",
      steps: 9_000,
      hyperparameters: {
        envCount: 4,
        batchSize: 64,
        hiddenSizes: [16],
        warmupSteps: 500,
        replayCapacity: 2_000,
      },
    };
    const { manifest, files, artifactSha256 } = trained(await trainOnDataset(request));
    expect(verifyArtifact(manifest, files, artifactSha256).ok).toBe(true);
    expect(manifest).toMatchObject({ algorithm: "dqn", hyperparameters: { batchSize: 64, nStep: 1 } });
    expect(manifest.hyperparameters.temperature).toBeGreaterThan(0);
    const outcome = await trainOnDataset({ ...request, shouldStop: () => "checkpoint-and-stop" });
    if (outcome.status !== "stopped") throw new Error("expected a stop");
    const resumed = trained(await trainOnDataset({ ...request, resumeFrom: outcome.checkpoint }));
    expect(resumed.artifactSha256).toBe(artifactSha256);
    await expect(trainOnDataset({ ...REQUEST, resumeFrom: outcome.checkpoint })).rejects.toThrow(
      /other settings/,
    );
    const foreign = { ...request, hyperparameters: { clipRange: 0.1 } };
    await expect(trainOnDataset(foreign)).rejects.toThrow(/"clipRange" is unknown to dqn/);
  });

  it("threads change no bit of the artifact, through the trading environment with settled funding", async () => {
    const rated = { ...REQUEST, steps: 2_500, fundingRateAt: (timeMs: number) => (timeMs % 7) * 1e-5 };
    const one = trained(await trainOnDataset(rated));
    expect(trained(await trainOnDataset({ ...rated, threads: 2 })).artifactSha256).toBe(one.artifactSha256);
    expect(trained(await trainOnDataset({ ...REQUEST, steps: 2_500 })).artifactSha256).not.toBe(
      one.artifactSha256,
    );
    const dqn = trainOnDataset({ ...REQUEST, algorithm: "dqn", hyperparameters: {}, threads: 2 });
    await expect(dqn).rejects.toThrow(/threads must be 1 or auto for dqn/);
  });

  it("the artifact names the kernel that trained it, and decides with the baseline's bits whichever that was", async () => {
    for (const kernel of ["baseline", "auto"] as const) {
      const { manifest, files, artifactSha256 } = trained(
        await trainOnDataset({ ...REQUEST, steps: 1_000, kernel }),
      );
      expect(manifest.trainedWithKernel).toBe(trainingKernel(kernel).version);
      expect(manifest.kernelVersion).toBe(KERNEL_VERSION);
      const loaded = verifyArtifact(manifest, files, artifactSha256);
      const model = fromLayersModel(files);
      if (!loaded.ok || !model.ok) throw new Error("the artifact does not load");
      const baseline = new DenseNetwork(manifest.network, { maxRows: 1, training: false });
      baseline.setWeights(model.value.weights);
      for (const { observation, logits } of manifest.golden) {
        baseline.observations.set(observation);
        baseline.forward(1);
        const decided = loaded.value.policy.decide(Float32Array.from(observation));
        expect([...decided.logits]).toEqual(logits);
        expect([...baseline.outputs.subarray(0, logits.length)]).toEqual(logits);
      }
    }
  });

  it("a declared penalty changes the environment of the artifact, its hash and its policy, and its sum is logged", async () => {
    const plain = trained(await trainOnDataset(REQUEST));
    let terms: Record<string, number> | undefined;
    const penal = trained(
      await trainOnDataset({
        ...REQUEST,
        hyperparameters: {
          ...REQUEST.hyperparameters,
          "env.turnoverPenalty": 0.5,
          "env.holdingPenalty": 0.01,
        },
        onProgress: ({ rewardTerms }) => {
          terms = rewardTerms;
        },
      }),
    );
    expect(penal.manifest.environment).toEqual({
      ...REQUEST.envSpec,
      turnoverPenalty: 0.5,
      holdingPenalty: 0.01,
    });
    expect(penal.manifest.environmentHash).not.toBe(plain.manifest.environmentHash);
    expect(penal.manifest.files["weights.bin"]).not.toEqual(plain.manifest.files["weights.bin"]);
    expect(penal.manifest.hyperparameters).not.toHaveProperty(["env.turnoverPenalty"]);
    expect(terms!.turnover).toBeGreaterThan(0);
    expect(terms!.holding).toBeGreaterThan(0);
    const typed: Record<string, unknown> = { ...REQUEST.hyperparameters, "env.initialBalanceUsd": 1 };
    const money = typed as TrainRequest["hyperparameters"];
    await expect(trainOnDataset({ ...REQUEST, hyperparameters: money })).rejects.toThrow(
      /"env.initialBalanceUsd"/,
    );
    const negative = { ...REQUEST.hyperparameters, "env.holdingPenalty": -1 };
    await expect(trainOnDataset({ ...REQUEST, hyperparameters: negative })).rejects.toThrow(/holdingPenalty/);
  });

  describe("with an encoder per timeframe (S1-15)", () => {
    const observationGroups = [
      { name: "base", columns: [0, 2] },
      { name: "1h", columns: [1] },
      { name: "portfolio", columns: [3, 4, 5, 6, 7] },
    ];
    const encoded = (request: TrainRequest, encoder: TrainRequest["hyperparameters"]): TrainRequest => ({
      ...request,
      identity: { ...request.identity, observationGroups },
      hyperparameters: { ...request.hyperparameters, ...encoder },
    });
    const ppo: TrainRequest = { ...REQUEST, threads: 2 };
    const dqn: TrainRequest = {
      ...REQUEST,
      algorithm: "dqn",
      steps: 9_000,
      hyperparameters: {
        envCount: 4,
        batchSize: 64,
        hiddenSizes: [16],
        warmupSteps: 500,
        replayCapacity: 2_000,
      },
    };

    it.each([
      ["PPO on two threads", ppo],
      [
        "PPO with separate trunks",
        { ...REQUEST, hyperparameters: { ...REQUEST.hyperparameters, separateTrunks: 1 } },
      ],
      ["DQN with weight decay", dqn],
    ] as Array<[string, TrainRequest]>)(
      "the same seed gives the same checksum, also stopped and resumed; groups stay apart to the bit: %s",
      async (_, plain) => {
        const request = encoded(plain, { "encoder.units": 4 });
        const { manifest, files, artifactSha256 } = trained(await trainOnDataset(request));
        const { hiddenSizes } = manifest.network;
        expect(hiddenSizes).toEqual(plain.hyperparameters!.hiddenSizes);
        // ceil(sqrt(3 groups x 4 units))
        expect(manifest.network.encoder).toEqual({ groups: observationGroups, units: 4, fusionUnits: 4 });
        const loaded = verifyArtifact(manifest, files, artifactSha256);
        const model = fromLayersModel(files);
        if (!loaded.ok || !model.ok) throw new Error("the artifact does not load");
        const { weights } = model.value;
        const held = weightsHeldAtZero(manifest.network);
        expect(held.length).toBeGreaterThan(0);
        expect(held.every((at) => weights[at] === 0)).toBe(true);

        const stopped = await trainOnDataset({ ...request, shouldStop: () => "checkpoint-and-stop" });
        if (stopped.status !== "stopped") throw new Error("expected a stop");
        const resumed = { ...request, resumeFrom: stopped.checkpoint };
        expect(trained(await trainOnDataset(resumed)).artifactSha256).toBe(artifactSha256);
        const without = { ...plain, resumeFrom: stopped.checkpoint };
        await expect(trainOnDataset(without)).rejects.toThrow(/other settings/);
      },
    );

    it("0 units are no encoder, to the checksum; groups alone change nothing", async () => {
      const plain = trained(await trainOnDataset(REQUEST)).artifactSha256;
      const off = encoded(REQUEST, { "encoder.units": 0 });
      expect(trained(await trainOnDataset(off)).artifactSha256).toBe(plain);
    });

    it("refuses what no encoder can be built from, and says what to do", async () => {
      const refused = (encoder: Record<string, number>, change: Partial<TrainRequest["identity"]> = {}) => {
        const request = encoded(REQUEST, encoder as TrainRequest["hyperparameters"]);
        return expect(trainOnDataset({ ...request, identity: { ...request.identity, ...change } })).rejects;
      };
      await refused({ "encoder.units": 1.5 }).toThrow(
        /encoder.units must be an integer in 1 .. 256, got 1.5/,
      );
      await refused({ "encoder.units": -1 }).toThrow(/encoder.units must be an integer in 1 .. 256, got -1/);
      await refused({ "encoder.units": 4, "encoder.fusionUnits": 9_999 }).toThrow(
        /encoder.fusionUnits must be/,
      );
      await refused({ "encoder.fusionUnits": 4 }).toThrow(/there is no encoder; set encoder.units too/);
      await refused({ "encoder.depth": 2 }).toThrow(
        /"encoder.depth" is unknown to ppo; known are .*encoder.units/,
      );
      await refused({ "encoder.units": 4 }, { observationGroups: undefined }).toThrow(
        /feature set made-up has 0 groups of columns and an encoder needs 2/,
      );
      await refused({ "encoder.units": 4 }, { observationGroups: observationGroups.slice(1) }).toThrow(
        /column 0 is in no group/,
      );
    });
  });

  it("refuses to resume over another dataset", async () => {
    const shouldStop = () => "checkpoint-and-stop" as const;
    const outcome = await trainOnDataset({ ...REQUEST, shouldStop });
    if (outcome.status !== "stopped") throw new Error("expected a stop");
    const identity = { ...REQUEST.identity, datasetHash: "e".repeat(64) };
    await expect(trainOnDataset({ ...REQUEST, identity, resumeFrom: outcome.checkpoint })).rejects.toThrow(
      /another dataset/,
    );
  });

  it("refuses a hyper-parameter it does not know, and observation names that do not fit", async () => {
    const misspelt = { gama: 0.9 } as TrainRequest["hyperparameters"];
    await expect(trainOnDataset({ ...REQUEST, hyperparameters: misspelt })).rejects.toThrow(/"gama"/);
    const identity = { ...REQUEST.identity, observationFields: ["a"] };
    await expect(trainOnDataset({ ...REQUEST, identity })).rejects.toThrow(/observationFields has 1 names/);
  });

  it("A-08: a run that blows up rejects with its reason and returns no artifact", async () => {
    const hyperparameters = {
      ...REQUEST.hyperparameters,
      learningRate: 1,
      targetKl: 0,
      maxGradientNorm: 100,
    };
    const run = trainOnDataset({ ...REQUEST, hyperparameters: { ...hyperparameters, divergenceKl: 0.05 } });
    await expect(run).rejects.toThrow(TrainingDivergedError);
  });
});
