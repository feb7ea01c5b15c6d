/**
 * Training figures, one JSON line each: `npx tsx bench/training.ts`. About a minute on two cores.
 * The reference is the same network and the same gradient step in tfjs on its CPU backend, measured in the
 * same run. Planted-signal figures are shares of the oracle's return on bars that training never saw.
 */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-layers"; // registers the gradients
import { createPrng } from "../lib/core/prng";
import { fitNormaliser } from "../lib/features/normaliser";
import { DenseNetwork } from "../lib/policy/kernel/denseNetwork";
import { initialWeights, networkLayers } from "../lib/policy/network";
import type { NetworkSpec } from "../lib/policy/types";
import { createTradingEnv } from "../rl-worker/env/tradingEnv";
import { trainPpo } from "../rl-worker/train/ppo";
import { PPO_DEFAULTS } from "../rl-worker/train/ppoTypes";
import { PlantedEnv } from "../tests/markets/plantedMarket";
import { compareWithOracle, PLANTED_SPEC, plantedMarket, trainOnMarket } from "../tests/markets/plantedRun";
import { hashNumbers, median, medianMs, printFigure } from "./lib/figure";

const nowMs = () => performance.now();

function benchKernel(spec: NetworkSpec, rows: number): void {
  const label = `${spec.observationSize}-${spec.hiddenSizes.join("-")} batch ${rows}`;
  const weights = initialWeights(spec, createPrng(1));
  const network = new DenseNetwork(spec, { maxRows: rows, training: true });
  network.setWeights(weights);
  const prng = createPrng(2);
  for (let i = 0; i < network.observations.length; i++) network.observations[i] = prng.nextGaussian();
  for (let i = 0; i < rows; i++)
    network.outputGradient[i * network.outputStride] = prng.nextGaussian() / rows;
  network.forward(rows);
  network.backward(rows);
  const resultHash = hashNumbers([...network.outputs, ...network.getGradients()]);

  const sizes = [spec.observationSize, ...spec.hiddenSizes, spec.actionCount + 1];
  let forwardFlop = 0;
  let backwardFlop = 0;
  for (let l = 0; l + 1 < sizes.length; l++) {
    const flop = 2 * rows * sizes[l]! * sizes[l + 1]!;
    forwardFlop += flop;
    // Weight gradient, and the gradient below it except under the first layer.
    backwardFlop += l === 0 ? flop : 2 * flop;
  }
  const tensors = tfNetwork(spec, weights);
  const input = tf.tensor2d(network.observations.slice(), [rows, spec.observationSize]);
  const direction = tf.tensor2d(
    Float32Array.from({ length: rows * (spec.actionCount + 1) }, () => 1 / rows),
    [rows, spec.actionCount + 1],
  );
  const objective = () => tf.sum(tf.mul(tensors.forward(input), direction)) as tf.Scalar;
  const rounds = 15;
  const referenceRounds = 5;
  const times = medianMs(
    {
      forward: () => network.forward(rows),
      backward: () => network.backward(rows),
      step: () => {
        network.forward(rows);
        network.backward(rows);
        network.adamStep({ learningRate: 0, maxGradientNorm: 1 });
      },
    },
    { rounds, callsPerRound: Math.max(3, Math.ceil(4e7 / forwardFlop)) },
  );
  const referenceHash = hashNumbers(tensors.forward(input).dataSync());
  const optimiser = tf.train.adam(1e-9);
  const reference = medianMs(
    {
      forward: () => void tf.tidy(() => tensors.forward(input).dataSync()),
      step: () => {
        optimiser.minimize(objective, false, tensors.variables);
      },
    },
    { rounds: referenceRounds, callsPerRound: 2 },
  );
  const print = (name: string, value: number, unit: string) => {
    const isReference = name.startsWith("tfjs");
    const n = name.includes("tfjs") ? referenceRounds : rounds;
    const hash = isReference ? referenceHash : resultHash;
    printFigure({ name: `${name}, ${label}`, value, unit, n, resultHash: hash });
  };
  print("kernel forward with tanh", forwardFlop / times.forward / 1e6, "GF/s");
  print("kernel backward", backwardFlop / times.backward / 1e6, "GF/s");
  print("kernel gradient step", times.step, "ms");
  print("tfjs-cpu gradient step", reference.step, "ms");
  print("kernel speed over tfjs-cpu, forward", reference.forward / times.forward, "x");
  print("kernel speed over tfjs-cpu, gradient step", reference.step / times.step, "x");
  optimiser.dispose();
  tf.disposeVariables();
}

function tfNetwork(spec: NetworkSpec, weights: Float32Array) {
  let offset = 0;
  const variables: tf.Variable[] = [];
  const layers = networkLayers(spec).map((layer) => {
    const end = offset + layer.inputs * layer.outputs;
    const kernel = tf.variable(tf.tensor2d(weights.slice(offset, end), [layer.inputs, layer.outputs]));
    const bias = tf.variable(tf.tensor1d(weights.slice(end, end + layer.outputs)));
    offset = end + layer.outputs;
    variables.push(kernel, bias);
    return { kernel, bias, isHidden: layer.activation === "tanh" };
  });
  const forward = (input: tf.Tensor2D): tf.Tensor2D => {
    let hidden = input;
    const heads: tf.Tensor2D[] = [];
    for (const { kernel, bias, isHidden } of layers) {
      const product = tf.add<tf.Tensor2D>(tf.matMul(hidden, kernel as unknown as tf.Tensor2D), bias);
      if (isHidden) hidden = tf.tanh(product);
      else heads.push(product);
    }
    return tf.concat2d(heads, 1);
  };
  return { variables, forward };
}

/** Steps per second of whole PPO runs; the hash is of the trained weights, equal in every repetition. */
async function benchPpo(): Promise<void> {
  const steps = 100_000;
  const market = plantedMarket({ seed: 1, bars: 60_000 });
  const normaliser = fitNormaliser(market.features, 0, market.features.rows);
  const environments = {
    "without broker": () => new PlantedEnv(market, 6),
    "trading environment": () => createTradingEnv({ ...market, normaliser, spec: PLANTED_SPEC }),
  };
  const shapes = {
    "defaults (16 envs, minibatch 512, 4 epochs)": {},
    "8 envs, minibatch 64, 10 epochs": { envCount: 8, minibatchSize: 64, epochs: 10, targetKl: 0 },
  };
  for (const [shape, overrides] of Object.entries(shapes)) {
    for (const [name, makeEnv] of Object.entries(environments)) {
      const rates: number[] = [];
      let resultHash = "";
      for (let repeat = 0; repeat < 3; repeat++) {
        const settings = { ...PPO_DEFAULTS, ...overrides, seed: 7, environmentSteps: steps };
        const { weights, metrics } = await trainPpo({ makeEnv, settings, nowMs });
        rates.push(metrics.stepsPerSecond);
        resultHash = hashNumbers(weights);
      }
      const value = median(rates);
      printFigure({
        name: `PPO 64-64, ${shape}, ${name}`,
        value,
        unit: "steps/s",
        n: rates.length,
        resultHash,
      });
    }
  }
}

async function benchPlantedSignal(): Promise<void> {
  const shares: number[] = [];
  const training = plantedMarket({ seed: 1, bars: 60_000 });
  const unseen = plantedMarket({ seed: 2, bars: 20_000 });
  for (const seed of [1, 2, 3, 4, 5]) {
    const loaded = await trainOnMarket(training, { seed, steps: 300_000, nowMs });
    shares.push(compareWithOracle(unseen, loaded, unseen.oracleAction).share);
  }
  const resultHash = hashNumbers(shares);
  const common = { unit: "share of oracle return", n: shares.length, resultHash };
  printFigure({ name: "planted signal, held-out, 300k steps, median", value: median(shares), ...common });
  printFigure({ name: "planted signal, held-out, 300k steps, worst", value: Math.min(...shares), ...common });
}

benchKernel({ observationSize: 34, hiddenSizes: [64, 64], actionCount: 3, activation: "tanh" }, 512);
benchKernel({ observationSize: 128, hiddenSizes: [128, 128], actionCount: 3, activation: "tanh" }, 512);
benchKernel({ observationSize: 34, hiddenSizes: [64, 64], actionCount: 3, activation: "tanh" }, 1);
await benchPpo();
await benchPlantedSignal();
