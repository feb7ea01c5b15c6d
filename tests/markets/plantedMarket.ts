import { createPrng } from "../../lib/core/prng";
import type { FeatureMatrix } from "../../lib/features/types";
import type { CandleColumns } from "../../lib/market/types";
import { exp } from "../../lib/policy/exp";
import type { Env, StepResult } from "../../rl-worker/env/types";

/**
 * A test double: a synthetic market whose best policy is known. A hidden regime moves between five drifts
 * (a Markov chain); the feature `signal` shows the regime at the close of bar t, and the return of bar t+1
 * is that drift plus Gaussian noise several times larger. The other features are pure noise. With
 * `driftBps` all zero it is the noise market, on which nothing can be earned.
 */
export interface PlantedMarketOptions {
  seed: number;
  bars: number;
  /** What one side of a trade costs; the oracle takes it into account. */
  costBpsPerSide: number;
  driftBps?: readonly number[];
  noiseBps?: number;
  /** Chance per bar that the regime is drawn anew. */
  switchProbability?: number;
}

export interface PlantedMarket {
  candles: CandleColumns;
  features: FeatureMatrix;
  /** A fixed share of the price: wide enough that stops stay out of the way of the oracle. */
  atr: Float64Array;
  /** The optimal action (0 short, 1 flat, 2 long) at the close of a row for the position held there. */
  oracleAction(row: number, position: number): number;
  /** The same for an oracle that knows only the regime of the bar that just closed, as a chart shows it. */
  laggedOracleAction(row: number, position: number): number;
}

const DRIFT_BPS = [-6, -2, 0, 2, 6] as const;
const NOISE_FEATURES = 7;
const BAR_MS = 15 * 60_000;
const FIRST_BAR_MS = Date.UTC(2024, 0, 1);

export function createPlantedMarket(options: PlantedMarketOptions): PlantedMarket {
  const { seed, bars, costBpsPerSide, driftBps = DRIFT_BPS, noiseBps = 20 } = options;
  const { switchProbability = 0.15 } = options;
  const prng = createPrng(seed);
  const column = () => new Float64Array(bars);
  const candles: CandleColumns = {
    openTimeMs: column(),
    open: column(),
    high: column(),
    low: column(),
    close: column(),
    volume: column(),
  };
  const width = 1 + NOISE_FEATURES;
  const names = ["signal", ...Array.from({ length: NOISE_FEATURES }, (_, i) => `noise_${i + 1}`)];
  const features: FeatureMatrix = { names, rows: bars, width, values: new Float64Array(bars * width) };
  const regimes = new Uint8Array(bars);
  const atr = column();
  let price = 2_000;
  let regime = Math.floor(driftBps.length / 2);
  for (let i = 0; i < bars; i++) {
    const open = price;
    price *= exp((driftBps[regime]! + noiseBps * prng.nextGaussian()) / 10_000);
    candles.openTimeMs[i] = FIRST_BAR_MS + i * BAR_MS;
    candles.open[i] = open;
    candles.close[i] = price;
    candles.high[i] = Math.max(open, price) * 1.0002;
    candles.low[i] = Math.min(open, price) * 0.9998;
    candles.volume[i] = 500 + 1_000 * prng.nextFloat();
    atr[i] = price * 0.01;
    // The regime of the next bar is settled, and shown, at this bar's close.
    if (prng.nextFloat() < switchProbability) regime = prng.nextInt(driftBps.length);
    regimes[i] = regime;
    features.values[i * width] = regime - (driftBps.length - 1) / 2;
    for (let f = 1; f < width; f++) features.values[i * width + f] = prng.nextGaussian();
  }
  const oracle = solveOracle(driftBps, switchProbability, costBpsPerSide);
  // After a bar of regime k the next drift is expected to be (1 - p) drift_k, as the drifts' mean is zero.
  const expected = driftBps.map((drift) => (1 - switchProbability) * drift);
  const lagged = solveOracle(expected, switchProbability, costBpsPerSide);
  return {
    candles,
    features,
    atr,
    oracleAction: (row, position) => oracle[regimes[row]!]![position + 1]!,
    laggedOracleAction: (row, position) => lagged[regimes[row - 1]!]![position + 1]!,
  };
}

/** Optimal stationary policy net of costs by value iteration over regime x position: action[regime][position + 1]. */
function solveOracle(driftBps: readonly number[], switchProbability: number, costBps: number): number[][] {
  const discount = 0.9995;
  const count = driftBps.length;
  let value = driftBps.map(() => [0, 0, 0]);
  let action = driftBps.map(() => [1, 1, 1]);
  for (let iteration = 0; iteration < 20_000; iteration++) {
    const mean = [0, 1, 2].map((p) => value.reduce((sum, v) => sum + v[p]!, 0) / count);
    const worth = (regime: number, held: number, target: number) => {
      const stay = (1 - switchProbability) * value[regime]![target]!;
      const next = stay + switchProbability * mean[target]!;
      return (target - 1) * driftBps[regime]! - costBps * Math.abs(target - held) + discount * next;
    };
    action = value.map((row, regime) =>
      row.map((_, held) =>
        [0, 1, 2].reduce((a, b) => (worth(regime, held, b) > worth(regime, held, a) ? b : a)),
      ),
    );
    value = action.map((row, regime) => row.map((target, held) => worth(regime, held, target)));
  }
  return action;
}

/**
 * The planted market as an environment of its own, without broker: reward = position x next return - costs,
 * in units of 10 bps. Observation: the features, then the position.
 */
export class PlantedEnv implements Env {
  readonly observationSize: number;
  readonly actionCount = 3;
  private row = 0;
  private endRow = 0;
  private position = 0;

  constructor(
    private readonly market: PlantedMarket,
    private readonly costBpsPerSide: number,
    private readonly episodeBars = 256,
  ) {
    this.observationSize = market.features.width + 1;
  }

  reset(seed: number): void {
    this.row = createPrng(seed).nextInt(this.market.features.rows - this.episodeBars);
    this.endRow = this.row + this.episodeBars - 1;
    this.position = 0;
  }

  observe(out: Float32Array, offset: number): void {
    const { values, width } = this.market.features;
    for (let i = 0; i < width; i++) out[offset + i] = values[this.row * width + i]!;
    out[offset + width] = this.position;
  }

  step(action: number): StepResult {
    const target = action - 1;
    const { open, close } = this.market.candles;
    const change = close[this.row + 1]! / open[this.row + 1]! - 1;
    const cost = (this.costBpsPerSide / 10_000) * Math.abs(target - this.position);
    this.position = target;
    this.row++;
    return {
      reward: 1_000 * (target * change - cost),
      terminated: false,
      truncated: this.row === this.endRow,
    };
  }

  /** The oracle's action in the present state. */
  oracleAction(): number {
    return this.market.oracleAction(this.row, this.position);
  }

  snapshot(): unknown {
    return { row: this.row, endRow: this.endRow, position: this.position };
  }

  restore(state: unknown): void {
    const s = state as { row: number; endRow: number; position: number };
    ({ row: this.row, endRow: this.endRow, position: this.position } = s);
  }
}
