/**
 * Training figures, one JSON line each: `npx tsx bench/training.ts [--only kernel,ppo,environment,signal]`.
 * Rivals run in the same process and run, or beside it: tfjs on its WASM backend, and PyTorch where the system's
 * Python has it. bench/README.md says what each part measures.
 */
import { availableParallelism } from "node:os";
import { createPrng } from "../lib/core/prng";
import { fitNormaliser } from "../lib/features/normaliser";
import { randomWalk } from "../lib/market/randomWalk.fixture";
import { createPolicy } from "../lib/policy/decide";
import { DenseNetwork } from "../lib/policy/kernel/denseNetwork";
import { instantiateKernel, type KernelBuild, MATMUL_START } from "../lib/policy/kernel/instance";
import { initialWeights } from "../lib/policy/network";
import type { NetworkSpec } from "../lib/policy/types";
import { defaultEnvSpec } from "../rl-worker/env/envSpec";
import { createTradingEnv } from "../rl-worker/env/tradingEnv";
import { runBacktest } from "../rl-worker/evaluate/backtest";
import { trainingKernel } from "../rl-worker/policy/trainingKernel";
import { trainPpo } from "../rl-worker/train/ppo";
import { PPO_DEFAULTS, type PpoSettings } from "../rl-worker/train/ppoTypes";
import { compareWithOracle, plantedMarket, trainOnMarket } from "../tests/markets/plantedRun";
import { hashNumbers, median, medianMs, printFigure } from "./lib/figure";
import { fmaLimit } from "./lib/fmaLimit";
import { type PpoShape, startTfjsWasm, tfjsPpo } from "./rivals/ppoTfjs";
import { startTorch, type TorchPpo } from "./rivals/torch";
import { makeEnvs, walkTable } from "./rivals/walkEnv";

const nowMs = () => performance.now();
const BUILDS = { fused: trainingKernel("auto"), baseline: trainingKernel("baseline") };

// ---- the kernel beside the machine's limit ---------------------------------------------------------------

/** C = A B as the kernel is called for a chunk of rows: strides padded as in the arena. */
function productOf(build: KernelBuild, rows: number, size: number) {
  const stride = (size + 16) * 4;
  const [a, b, c] = [1024, 1024 + rows * stride, 1024 + rows * stride + size * size * 4];
  const pages = Math.ceil((c + rows * stride) / 65_536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const kernel = instantiateKernel(build, memory);
  const prng = createPrng(1);
  const numbers = new Float32Array(memory.buffer, 1024, (c - 1024) / 4);
  for (let i = 0; i < numbers.length; i++) numbers[i] = prng.nextGaussian();
  const run = () =>
    // biome-ignore format: C, A, B, then the mode and the sizes
    kernel.matmul(c, stride, a, stride, 4, b, size * 4, 0, MATMUL_START.zero, 0, rows, size, size);
  run();
  return { run, hash: hashNumbers(new Float32Array(memory.buffer, c, (rows * stride) / 4)) };
}

async function benchKernel(): Promise<void> {
  const limit = await fmaLimit();
  const [rows, size] = [64, 128];
  const flop = 2 * rows * size * size;
  const products = {
    fused: productOf(BUILDS.fused, rows, size),
    baseline: productOf(BUILDS.baseline, rows, size),
  };
  // Samples of less than a millisecond: on a busy machine most of them still have a processor to themselves.
  const rounds = 301;
  const times = medianMs(
    { limit: limit.run, fused: products.fused.run, baseline: products.baseline.run },
    { rounds, callsPerRound: 10 },
  );
  const limitGflops = limit.flop / times.limit / 1e6;
  const limitHash = hashNumbers([limit.run()]);
  printFigure({
    name: "128-bit FMA limit",
    value: limitGflops,
    unit: "GF/s",
    n: rounds,
    resultHash: limitHash,
  });
  for (const [name, product] of Object.entries(products)) {
    const gflops = flop / times[name as keyof typeof products] / 1e6;
    const common = { n: rounds, resultHash: product.hash };
    const { version } = BUILDS[name as keyof typeof BUILDS];
    printFigure({ name: `matrix product 64x128x128, ${version}`, value: gflops, unit: "GF/s", ...common });
    const share = gflops / limitGflops;
    printFigure({ name: `matrix product over the limit, ${version}`, value: share, unit: "x", ...common });
  }
  for (const [name, kernel] of Object.entries(BUILDS)) {
    const spec: NetworkSpec = {
      observationSize: 128,
      hiddenSizes: [128, 128],
      actionCount: 4,
      activation: "tanh",
    };
    const batch = 64; // a chunk of rows, as training calls it
    const net = new DenseNetwork(spec, { maxRows: batch, training: true, kernel });
    net.setWeights(initialWeights(spec, createPrng(1)));
    const prng = createPrng(2);
    for (let i = 0; i < net.observations.length; i++) net.observations[i] = prng.nextGaussian();
    net.outputGradient.fill(1 / batch);
    const step = { learningRate: 0, maxGradientNorm: 1 };
    const calls = {
      forward: () => net.forward(batch),
      step: () => {
        net.forward(batch);
        net.backward(batch);
        net.adamStep(step);
      },
    };
    const ms = medianMs(calls, { rounds: 101, callsPerRound: 1 });
    const forwardFlop = 2 * batch * (128 * 128 * 2 + 128 * 5);
    const common = { n: 101, resultHash: hashNumbers([...net.outputs, ...net.getGradients()]) };
    const label = `128-128-128 batch ${batch}, ${name}`;
    printFigure({
      name: `forward with tanh, ${label}`,
      value: forwardFlop / ms.forward / 1e6,
      unit: "GF/s",
      ...common,
    });
    printFigure({ name: `gradient step, ${label}`, value: ms.step, unit: "ms", ...common });
  }
}

// ---- PPO beside tfjs and PyTorch -------------------------------------------------------------------------

const LARGE = { hiddenSizes: [128, 128], envCount: 64, horizon: 256, minibatchSize: 1024 };
const SHAPES: Record<string, PpoShape> = {
  "SB3's defaults (8 envs, minibatch 64, 10 epochs, separate networks)": {
    ...{
      hiddenSizes: [128, 128],
      envCount: 8,
      horizon: 256,
      minibatchSize: 64,
      epochs: 10,
      separateTrunks: 1,
    },
  },
  "separate networks, 10 epochs": { ...LARGE, epochs: 10, separateTrunks: 1 },
  "shared trunk, 10 epochs": { ...LARGE, epochs: 10, separateTrunks: 0 },
  "shared trunk, 4 epochs": { ...LARGE, epochs: 4, separateTrunks: 0 },
};
/** A tuned BLAS is ten times faster on any machine of this decade, the reference one never reaches this. */
const REFERENCE_BLAS_GFLOPS = 10;
/** The first warms up and is not counted. */
const ITERATIONS = 4;

/** Environment steps per second of each counted iteration. */
async function ourPpo(shape: PpoShape, kernel: KernelBuild, threads: number, table: Float32Array) {
  const samples = shape.envCount * shape.horizon;
  const settings: PpoSettings = {
    ...{ ...PPO_DEFAULTS, ...shape, gaeLambda: 0.95, learningRate: 3e-4, valueCoefficient: 1 },
    ...{
      entropyCoefficient: 0,
      targetKl: 0,
      rewardScaling: 0,
      seed: 1,
      environmentSteps: samples * ITERATIONS,
    },
  };
  const stampsMs: number[] = [];
  const { weights } = await trainPpo({
    ...{ settings, kernel, threads, nowMs, makeEnv: makeEnvs(table) },
    envSource: { moduleUrl: new URL("./rivals/walkEnv.ts", import.meta.url).href, data: table },
    onProgress: () => void stampsMs.push(nowMs()),
  });
  const rates = stampsMs.slice(1).map((ms, i) => samples / ((ms - stampsMs[i]!) / 1000));
  return { rates, hash: hashNumbers(weights) };
}

async function benchPpo(): Promise<void> {
  const table = walkTable(1);
  await startTfjsWasm();
  const threadCounts = availableParallelism() > 1 ? [1, 2] : [1];
  const rivals = await startRivals(threadCounts);
  for (const [name, shape] of Object.entries(SHAPES)) {
    const print = (who: string, value: number, unit: string, n: number, resultHash: string) =>
      printFigure({ name: `PPO ${name}: ${who}`, value, unit, n, resultHash });
    // tfjs is slow enough that a shorter rollout, with the same minibatches, tells the same.
    const short = tfjsPpo({ ...shape, horizon: Math.max(16, shape.horizon / 8) }, 2, table);
    const tfjs = median(short.rates.slice(1));
    print("tfjs-wasm", tfjs, "steps/s", 1, hashNumbers(short.weights));
    for (const threads of threadCounts) {
      const label = `${threads} thread${threads > 1 ? "s" : ""}`;
      const torch = rivals.get(threads);
      let rival: number | null = null;
      if (torch) {
        const { rates, hash } = await torch.run(shape, ITERATIONS);
        rival = median(rates.slice(1));
        print(`PyTorch ${torch.version}, ${label}`, rival, "steps/s", rates.length - 1, hash);
      }
      for (const kernel of Object.values(BUILDS)) {
        const { rates, hash } = await ourPpo(shape, kernel, threads, table);
        const ours = median(rates);
        const who = `Assay ${kernel.version}, ${label}`;
        print(who, ours, "steps/s", rates.length, hash);
        if (rival !== null) print(`${who}, over PyTorch on as many`, ours / rival, "x", rates.length, hash);
        print(`${who}, over tfjs-wasm`, ours / tfjs, "x", rates.length, hash);
      }
    }
  }
  for (const torch of rivals.values()) torch.stop();
}

/** PyTorch for each number of threads; none where it is not installed. */
async function startRivals(threadCounts: number[]): Promise<Map<number, TorchPpo>> {
  const rivals = new Map<number, TorchPpo>();
  for (const threads of threadCounts) {
    const torch = await startTorch(threads);
    if (typeof torch === "string") {
      console.error(`PyTorch is left out: ${torch}`);
      break;
    }
    if (torch.gflops < REFERENCE_BLAS_GFLOPS) {
      console.error(
        `PyTorch multiplies at ${torch.gflops.toFixed(1)} GF/s: that is Debian's reference BLAS, and no fair ` +
          "rival; apt-get install libopenblas0-pthread and run again",
      );
    }
    const name = `PyTorch ${torch.version} matrix product 1024x128x128, threads ${threads}`;
    const resultHash = hashNumbers([torch.gflops]);
    printFigure({ name, value: torch.gflops, unit: "GF/s", n: 50, resultHash });
    rivals.set(threads, torch);
  }
  return rivals;
}

// ---- environment, backtest, inference --------------------------------------------------------------------

function benchEnvironment(): void {
  const rows = 525_600; // a year of minutes
  const width = 32;
  const candles = randomWalk(rows, 60_000);
  const prng = createPrng(3);
  const values = Float64Array.from({ length: rows * width }, () => prng.nextFloat() * 4 - 2);
  const features = { rows, width, values, names: Array.from({ length: width }, (_, i) => `f${i}`) };
  const atr = new Float64Array(rows).fill(2.5);
  const normaliser = fitNormaliser(features, 0, rows);
  const rules = {
    symbol: "WALK",
    tickSize: 0.1,
    lotStep: 0.0001,
    minQty: 0.0001,
    minNotionalUsd: 2,
    maxLeverage: 50,
  };
  const market = { candles, features, atr, normaliser, spec: defaultEnvSpec(rules) };
  const env = createTradingEnv(market);
  const observation = new Float32Array(env.observationSize);
  const steps = 200_000;
  let total = 0;
  const stepEnv = () => {
    total = 0;
    env.reset(1);
    for (let step = 0; step < steps; step++) {
      env.observe(observation, 0);
      const { reward, terminated, truncated } = env.step(Math.floor(step / 10) % 3);
      total += reward;
      if (terminated || truncated) env.reset(step);
    }
  };
  const rounds = 7;
  // More than half of them after the compiler has settled on the step.
  const envRounds = 41;
  const stepMs = medianMs({ stepEnv }, { rounds: envRounds, callsPerRound: 1 }).stepEnv;
  const label = `${width} features, full costs`;
  printFigure({
    ...{ name: `environment with observation, ${label}`, value: steps / (stepMs / 1000), unit: "steps/s" },
    ...{ n: envRounds, resultHash: hashNumbers([total, ...observation]) },
  });

  const spec: NetworkSpec = {
    ...{ observationSize: env.observationSize, hiddenSizes: [128, 128], actionCount: 3, activation: "tanh" },
  };
  const policy = createPolicy(spec, initialWeights(spec, createPrng(4)));
  const decideMs = medianMs(
    { decide: () => void policy.decide(observation) },
    { rounds, callsPerRound: 20_000 },
  );
  const decided = policy.decide(observation);
  printFigure({
    ...{
      name: "inference, one observation through 128-128",
      value: decideMs.decide * 1000,
      unit: "us",
      n: rounds,
    },
    resultHash: hashNumbers([...decided.logits, decided.value]),
  });

  const backtest = (
    name: string,
    repeats: number,
    decide: (observation: Float32Array, row: number) => number,
  ) => {
    let resultHash = "";
    const seconds: number[] = [];
    for (let round = 0; round <= repeats; round++) {
      const startedMs = nowMs();
      const { equityUsd } = runBacktest({ ...market, decide });
      if (round > 0 || repeats === 1) seconds.push((nowMs() - startedMs) / 1000);
      resultHash = hashNumbers(equityUsd);
      if (repeats === 1) break;
    }
    printFigure({ name, value: median(seconds), unit: "s", n: seconds.length, resultHash });
  };
  backtest(`backtest of a rule, ${rows} bars, ${label}`, 5, (_, row) => Math.floor(row / 16) % 3);
  backtest(`backtest of a 128-128 policy at batch 1, ${rows} bars`, 1, (seen) => policy.decide(seen).action);
}

// ---- does it learn? --------------------------------------------------------------------------------------

const SIGNAL_SEEDS = [1, 2, 3, 4, 5];

async function benchSignal(): Promise<void> {
  const training = plantedMarket({ seed: 1, bars: 60_000 });
  const unseen = plantedMarket({ seed: 2, bars: 20_000 });
  for (const [algorithm, steps] of [
    ["ppo", 300_000],
    ["dqn", 200_000],
  ] as const) {
    const shares: number[] = [];
    const rates: number[] = [];
    for (const seed of SIGNAL_SEEDS) {
      const startedMs = nowMs();
      const loaded = await trainOnMarket(training, { algorithm, seed, steps, nowMs });
      rates.push(steps / ((nowMs() - startedMs) / 1000));
      shares.push(compareWithOracle(unseen, loaded, unseen.oracleAction).share);
    }
    const resultHash = hashNumbers(shares);
    const name = `planted signal, held-out, ${steps / 1000}k steps of ${algorithm.toUpperCase()} by default`;
    const share = (what: string, value: number, n: number) =>
      printFigure({ name: `${name}, ${what}`, value, unit: "share of oracle return", n, resultHash });
    for (const [i, value] of shares.entries()) share(`seed ${SIGNAL_SEEDS[i]}`, value, 1);
    share("median", median(shares), shares.length);
    share("worst", Math.min(...shares), shares.length);
    const rate = `${name}, one thread, with data preparation`;
    printFigure({ name: rate, value: median(rates), unit: "steps/s", n: rates.length, resultHash });
  }
}

// ---- which parts -----------------------------------------------------------------------------------------

const PARTS: Record<string, () => void | Promise<void>> = {
  kernel: benchKernel,
  environment: benchEnvironment,
  ppo: benchPpo,
  signal: benchSignal,
};
const at = process.argv.indexOf("--only");
const wanted = at < 0 ? Object.keys(PARTS) : (process.argv[at + 1] ?? "").split(",");
const unknown = wanted.find((part) => !(part in PARTS));
if (unknown !== undefined) {
  console.error(`--only "${unknown}" is no part of this bench; parts: ${Object.keys(PARTS).join(", ")}`);
  process.exit(2);
}
for (const part of wanted) await PARTS[part]!();
