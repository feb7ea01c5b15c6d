import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-layers"; // registers the gradients
import { createPrng } from "../../lib/core/prng";
import { initialWeights, networkLayers } from "../../lib/policy/network";
import type { NetworkSpec } from "../../lib/policy/types";
import { generalisedAdvantages } from "../../rl-worker/train/ppoLoss";
import { shuffle } from "../../rl-worker/train/sampling";
import { makeEnvs, WALK_ACTIONS, WALK_WIDTH } from "./walkEnv";

/** What every rival of bench/training.ts runs: sizes of one PPO configuration. */
export interface PpoShape {
  hiddenSizes: number[];
  envCount: number;
  horizon: number;
  minibatchSize: number;
  epochs: number;
  separateTrunks: 0 | 1;
}

export async function startTfjsWasm(): Promise<void> {
  const entry = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm");
  setWasmPaths(`${join(dirname(entry), "../wasm-out")}/`);
  setThreadsCount(1); // its threads do not start in Node
  await tf.setBackend("wasm");
  await tf.ready();
}

/** tf.matMul's own gradient transposes inside the product, which this backend does slowly; this does it before. */
const product = tf.customGrad((x, w, save) => {
  const [input, weights] = [x as tf.Tensor2D, w as tf.Tensor2D];
  (save as (tensors: tf.Tensor[]) => void)([input, weights]);
  return {
    value: tf.matMul(input, weights),
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [xs, ws] = saved as [tf.Tensor2D, tf.Tensor2D];
      return [tf.matMul(dy as tf.Tensor2D, tf.transpose(ws)), tf.matMul(tf.transpose(xs), dy as tf.Tensor2D)];
    },
  };
});

/**
 * The same PPO in tfjs on its WASM backend: same network, loss, optimiser and minibatches. Returns environment
 * steps per second of each iteration, and the final weights.
 */
export function tfjsPpo(shape: PpoShape, iterations: number, table: Float32Array) {
  const { envCount, horizon, minibatchSize, epochs } = shape;
  const spec: NetworkSpec = {
    observationSize: WALK_WIDTH,
    hiddenSizes: shape.hiddenSizes,
    actionCount: WALK_ACTIONS,
    activation: "tanh",
    ...(shape.separateTrunks ? { trunk: "separate" as const } : {}),
  };
  const prng = createPrng(1);
  const { forward, variables } = network(spec, initialWeights(spec, prng));
  const optimiser = tf.train.adam(3e-4, 0.9, 0.999, 1e-5);
  const makeEnv = makeEnvs(table);
  const envs = Array.from({ length: envCount }, () => makeEnv());
  for (const env of envs) env.reset(prng.nextInt(2 ** 31));
  const samples = envCount * horizon;
  const observations = new Float32Array(samples * WALK_WIDTH);
  const row = envCount * WALK_WIDTH;
  const actions = new Int32Array(samples);
  const logProbs = new Float32Array(samples);
  const values = new Float64Array(samples);
  const rewards = new Float64Array(samples);
  const ended = new Uint8Array(samples);
  const advantages = new Float64Array(samples);
  const returns = new Float64Array(samples);
  const order = Uint32Array.from({ length: samples }, (_, i) => i);
  const rates: number[] = [];

  const infer = (from: Float32Array) =>
    tf.tidy(() => {
      const [logits, value] = forward(tf.tensor2d(from, [from.length / WALK_WIDTH, WALK_WIDTH]));
      return { logProbs: tf.logSoftmax(logits).dataSync(), values: value.dataSync() };
    });

  for (let iteration = 0; iteration < iterations; iteration++) {
    const startedMs = performance.now();
    for (let t = 0; t < horizon; t++) {
      const base = t * envCount;
      for (const [e, env] of envs.entries()) env.observe(observations, (base + e) * WALK_WIDTH);
      const out = infer(observations.subarray(base * WALK_WIDTH, base * WALK_WIDTH + row));
      for (const [e, env] of envs.entries()) {
        let left = prng.nextFloat();
        let action = 0;
        while (action < WALK_ACTIONS - 1 && left >= Math.exp(out.logProbs[e * WALK_ACTIONS + action]!)) {
          left -= Math.exp(out.logProbs[e * WALK_ACTIONS + action++]!);
        }
        actions[base + e] = action;
        logProbs[base + e] = out.logProbs[e * WALK_ACTIONS + action]!;
        values[base + e] = out.values[e]!;
        const result = env.step(action);
        rewards[base + e] = result.reward;
        ended[base + e] = result.truncated ? 1 : 0;
        if (result.truncated) env.reset(prng.nextInt(2 ** 31));
      }
    }
    const lastValues = Float64Array.from(infer(observations.subarray((horizon - 1) * row)).values);
    generalisedAdvantages({
      ...{ rewards, values, ended, lastValues, gamma: 0.99, lambda: 0.95, advantages, returns },
    });
    for (let epoch = 0; epoch < epochs; epoch++) {
      shuffle(order, samples, prng);
      for (let from = 0; from < samples; from += minibatchSize) {
        const batch = order.subarray(from, Math.min(from + minibatchSize, samples));
        tf.tidy(() => {
          const n = batch.length;
          const picked = new Float32Array(n * WALK_WIDTH);
          for (let i = 0; i < n; i++) {
            const at = batch[i]! * WALK_WIDTH;
            picked.set(observations.subarray(at, at + WALK_WIDTH), i * WALK_WIDTH);
          }
          const x = tf.tensor2d(picked, [n, WALK_WIDTH]);
          const pick = (array: ArrayLike<number>) => Float32Array.from(batch, (i) => array[i]!);
          const raw = tf.tensor1d(pick(advantages));
          const { mean, variance } = tf.moments(raw);
          const advantage = tf.div(tf.sub(raw, mean), tf.add(tf.sqrt(variance), 1e-8));
          const taken = tf.oneHot(tf.tensor1d(pick(actions), "int32"), WALK_ACTIONS);
          const old = tf.tensor1d(pick(logProbs));
          const target = tf.tensor1d(pick(returns));
          const { value: loss, grads } = tf.variableGrads(() => {
            const [logits, value] = forward(x);
            const chosen = tf.sum(tf.mul(tf.logSoftmax(logits), taken), 1);
            const ratio = tf.exp(tf.sub(chosen, old));
            const clipped = tf.clipByValue(ratio, 0.8, 1.2);
            const surrogate = tf.minimum(tf.mul(ratio, advantage), tf.mul(clipped, advantage));
            const error = tf.sub(tf.reshape(value, [-1]), target);
            const valueLoss = tf.mul(0.5, tf.mean(tf.square(error)));
            return tf.sub(valueLoss, tf.mean(surrogate)) as tf.Scalar;
          }, variables);
          const squares = Object.values(grads).map((g) => tf.sum(tf.square(g)));
          const norm = Math.sqrt(tf.addN(squares).dataSync()[0]!);
          const scale = Math.min(1, 0.5 / norm);
          const scaled = Object.fromEntries(
            Object.entries(grads).map(([name, g]) => [name, scale < 1 ? tf.mul(g, scale) : g]),
          );
          optimiser.applyGradients(scaled as unknown as Parameters<typeof optimiser.applyGradients>[0]);
          loss.dispose();
        });
      }
    }
    rates.push(samples / ((performance.now() - startedMs) / 1000));
  }
  const weights = variables.flatMap((variable) => [...variable.dataSync()]);
  optimiser.dispose();
  tf.disposeVariables();
  return { rates, weights };
}

function network(spec: NetworkSpec, weights: Float32Array) {
  let offset = 0;
  const variables: tf.Variable[] = [];
  const layers = networkLayers(spec).map((layer) => {
    const end = offset + layer.inputs * layer.outputs;
    const kernel = tf.variable(tf.tensor2d(weights.slice(offset, end), [layer.inputs, layer.outputs]));
    const bias = tf.variable(tf.tensor1d(weights.slice(end, end + layer.outputs)));
    offset = end + layer.outputs;
    variables.push(kernel, bias);
    return { ...layer, kernel, bias };
  });
  const forward = (input: tf.Tensor2D): [tf.Tensor2D, tf.Tensor2D] => {
    const outputs = new Map<string, tf.Tensor>([["observation", input]]);
    for (const { name, from, kernel, bias, activation } of layers) {
      const sum = tf.add(product(outputs.get(from)!, kernel), bias);
      outputs.set(name, activation === "tanh" ? tf.tanh(sum) : sum);
    }
    return [outputs.get("policy_logits") as tf.Tensor2D, outputs.get("value") as tf.Tensor2D];
  };
  return { forward, variables };
}
