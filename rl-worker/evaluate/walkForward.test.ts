import { describe, expect, test } from "vitest";
import { DEFAULT_COST_MODEL } from "../../lib/broker/costModels";
import { walkForwardFolds } from "../../lib/dataset/walkForward";
import { PORTFOLIO_FIELDS } from "../../lib/features/observation";
import { verifyTrades } from "../../lib/stats/summariseTrades";
import { defaultEnvSpec, stressedEnvSpec } from "../env/envSpec";
import type { MarketData } from "../env/marketData";
import { syntheticMarket } from "../env/syntheticMarket.fixture";
import { runWalkForward, type SliceResult, type WalkForwardOptions } from "./walkForward";

const RULES = {
  symbol: "MADE-UP",
  ...{ tickSize: 0.01, lotStep: 0.0001, minQty: 0.0001, minNotionalUsd: 2, maxLeverage: 50 },
};
const ROWS = 1_200;
const BASE = { ...defaultEnvSpec(RULES, DEFAULT_COST_MODEL), episodeBars: 60 };
const PLAN = { firstRow: 20, rows: ROWS, folds: 2, mode: "expanding" as const };
const FOLDS = walkForwardFolds({ ...PLAN, minTrainRows: 500, purgeRows: 40, embargoRows: 100 });

const HYPERPARAMETERS = {
  ppo: { envCount: 4, horizon: 64, minibatchSize: 64, hiddenSizes: [8] },
  dqn: { envCount: 4, batchSize: 32, warmupSteps: 64, hiddenSizes: [8], nStep: 3 },
};

async function slices(dataset: MarketData, change: Partial<WalkForwardOptions> = {}): Promise<SliceResult[]> {
  const out: SliceResult[] = [];
  await runWalkForward({
    dataset,
    identity: {
      ...{ datasetHash: "d".repeat(64), instrument: "MADE-UP", timeframe: "1m" },
      ...{ featureSetId: "made-up", featureFingerprint: "f".repeat(64) },
      observationFields: [...dataset.features.names, ...PORTFOLIO_FIELDS],
    },
    envSpecAt: (multiplier) => stressedEnvSpec(BASE, multiplier),
    recipe: { algorithm: "ppo", steps: 512, hyperparameters: HYPERPARAMETERS.ppo },
    folds: FOLDS,
    seeds: [1],
    costMultipliers: [1, 2],
    nowMs: () => 0,
    isDone: () => false,
    onSlices: async (done) => {
      out.push(...done);
    },
    onProgress: () => {},
    shouldStop: () => false,
    ...change,
  });
  return out;
}

/** The same market with other prices, features and volatility in rows [from, to). */
function altered(from: number, to: number): MarketData {
  const market = syntheticMarket(ROWS);
  const other = syntheticMarket(ROWS, 99);
  for (const name of ["open", "high", "low", "close", "volume"] as const) {
    market.candles[name].set(other.candles[name].subarray(from, to), from);
  }
  const { width } = market.features;
  market.features.values.set(other.features.values.subarray(from * width, to * width), from * width);
  market.atr.fill(2.5, from, to);
  return market;
}

const of = (all: SliceResult[], subject: string, fold: number) =>
  all.filter((slice) => slice.subject === subject && slice.fold === fold);
const artifacts = (all: SliceResult[], fold: number) =>
  new Set(of(all, "seed:1", fold).map(({ artifactSha256 }) => artifactSha256));
const outcome = ({ result, ...rest }: SliceResult) => ({
  ...rest,
  trades: result.trades,
  equityUsd: [...result.equityUsd],
});

describe.each(["ppo", "dqn"] as const)("a fold's training by %s", (algorithm) => {
  const recipe = { algorithm, steps: 512, hyperparameters: HYPERPARAMETERS[algorithm] };

  test("reads no row of purge, embargo or test: with other rows there it comes to the same weights and scaler", async () => {
    const { trainTo } = FOLDS[0]!;
    const one = { folds: FOLDS.slice(0, 1), recipe };
    const before = artifacts(await slices(syntheticMarket(ROWS), one), 0);
    expect(artifacts(await slices(altered(trainTo, ROWS), one), 0)).toEqual(before);
    expect(artifacts(await slices(altered(trainTo - 1, trainTo), one), 0)).not.toEqual(before);
  });
});

describe("a fold's test", () => {
  test("covers its span bar by bar, in every condition and for every baseline, with trades that explain it", async () => {
    const all = await slices(syntheticMarket(ROWS));
    for (const { fold, testFrom, testTo } of FOLDS) {
      const conditions = of(all, "seed:1", fold).map((slice) => [slice.costMultiplier, slice.lagBars]);
      expect(conditions).toEqual([
        [1, 0],
        [2, 0],
        [1, 1],
      ]);
      for (const { result } of all.filter((slice) => slice.fold === fold)) {
        expect(result.equityUsd).toHaveLength(testTo - testFrom);
        expect(result.equityUsd[0]).toBe(BASE.initialBalanceUsd);
        expect(verifyTrades({ symbol: "x", ...result })).toEqual({ ok: true, value: true });
      }
    }
  });

  test("knows nothing of what comes after it: other rows there change no trade and no equity", async () => {
    const { testTo } = FOLDS[0]!;
    const one = { folds: FOLDS.slice(0, 1) };
    const before = (await slices(syntheticMarket(ROWS), one)).map(outcome);
    expect((await slices(altered(testTo, ROWS), one)).map(outcome)).toEqual(before);
  });

  test("pays more at costs times two, and is a bar late in the lag probe", async () => {
    const all = await slices(syntheticMarket(ROWS));
    const [plain, dear, late] = of(all, "seed:1", 0).map(({ result }) => result);
    const fees = (trades: { feesUsd: number }[]) => trades.reduce((sum, trade) => sum + trade.feesUsd, 0);
    expect(plain!.trades.length).toBeGreaterThan(0);
    expect(fees(dear!.trades)).toBeGreaterThan(fees(plain!.trades));
    expect(late!.trades[0]!.entryTimeMs).toBe(plain!.trades[0]!.entryTimeMs + 60_000);
  });

  test("calibrates on the purged rows: other rows there change the calibration error and nothing else", async () => {
    const { trainTo, testFrom } = FOLDS[0]!;
    const one = { folds: FOLDS.slice(0, 1), costMultipliers: [1] };
    const [before] = await slices(syntheticMarket(ROWS), one);
    const [after] = await slices(altered(trainTo, testFrom - 1), one);
    expect(after!.calibrationError).not.toBe(before!.calibrationError);
    expect({ ...outcome(after!), calibrationError: 0 }).toEqual({ ...outcome(before!), calibrationError: 0 });
  });
});
