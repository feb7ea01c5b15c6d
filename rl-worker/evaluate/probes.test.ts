import { describe, expect, test } from "vitest";
import { createPrng } from "../../lib/core/prng";
import { CORE_V1 } from "../../lib/features/coreV1";
import { rangeColumns } from "../../lib/market/columns";
import { syntheticMarket } from "../env/syntheticMarket.fixture";
import { causalityProbe, lookAheadCorrelation, marketOf, plantedBars, shuffledBars } from "./probes";

const { candles } = syntheticMarket(3_000);

/** The pipeline as it is, and a copy of it that has tomorrow's return planted in one feature. */
const honest = (columns = candles) => marketOf(columns, CORE_V1);
function leaking(columns = candles) {
  const market = honest(columns);
  const { values, width, rows } = market.features;
  const { close } = columns;
  for (let row = 0; row < rows; row++) {
    values[row * width] = row + 1 < rows ? close[row + 1]! / close[row]! - 1 : 0;
  }
  return market;
}
const upTo = (cut: number) => rangeColumns(candles, candles.openTimeMs[0]!, candles.openTimeMs[cut]!);

describe("the causality probe", () => {
  test("finds the pipeline clean: the same bits from the bars up to a cut (A-04)", () => {
    const cuts = [1_000, 2_500].map((cut) => ({ whole: honest(), prefix: honest(upTo(cut)) }));
    expect(causalityProbe(cuts, honest())).toMatchObject({ passed: true });
  });

  test("catches a copy of the pipeline with tomorrow's return planted in it", () => {
    const cuts = [{ whole: leaking(), prefix: leaking(upTo(1_000)) }];
    const result = causalityProbe(cuts, leaking());
    expect(result.passed).toBe(false);
    expect(result.sentence).toMatch(/looks ahead: \w+ of .* changes when later bars are known/);
  });

  test("catches a planted return even where every cut agrees, by what it explains", () => {
    const result = causalityProbe([], leaking());
    expect(result.passed).toBe(false);
    expect(result.sentence).toMatch(/correlates 1\.00 with the next bar's return/);
  });

  test("lets an honest market be predictable: the correlation is said as a warning and refuses nothing", () => {
    const predictable = plantedBars(candles, 1, 3);
    const market = marketOf(predictable, CORE_V1);
    const { openTimeMs } = predictable;
    const prefix = marketOf(rangeColumns(predictable, openTimeMs[0]!, openTimeMs[1_000]!), CORE_V1);
    expect(Math.abs(lookAheadCorrelation(market.features, predictable.close).correlation)).toBeGreaterThan(
      0.25,
    );
    const result = causalityProbe([{ whole: market, prefix }], market);
    expect(result.passed).toBe(true);
    expect(result.warning).toMatch(/correlates -?0\.\d\d with the next bar's return; .* check the times/);
  });

  test("says nothing of a correlation that any market has", () => {
    expect(causalityProbe([], honest()).warning).toBeUndefined();
  });

  test("catches a feature of half noise and half tomorrow by its bits, whatever it correlates", () => {
    const noisy = (columns = candles) => {
      const random = createPrng(3);
      const market = honest(columns);
      const { values, width, rows } = market.features;
      for (let row = 0; row < rows; row++) {
        const next = row + 1 < rows ? columns.close[row + 1]! / columns.close[row]! - 1 : 0;
        values[row * width] = next / 0.0005 + 2 * random.nextGaussian();
      }
      return market;
    };
    const cuts = [{ whole: noisy(), prefix: noisy(upTo(1_000)) }];
    expect(causalityProbe(cuts, noisy())).toMatchObject({ passed: false });
  });
});

describe("probe markets", () => {
  test("shuffled bars keep their times, their shapes and no drift", () => {
    const shuffled = shuffledBars(candles, 1);
    expect(shuffled.openTimeMs).toEqual(candles.openTimeMs);
    expect([...shuffled.volume].sort()).toEqual([...candles.volume].sort());
    const rows = candles.close.length;
    for (let i = 0; i < rows; i++) {
      expect(shuffled.high[i]).toBeGreaterThanOrEqual(Math.max(shuffled.open[i]!, shuffled.close[i]!));
      expect(shuffled.low[i]).toBeLessThanOrEqual(Math.min(shuffled.open[i]!, shuffled.close[i]!));
    }
    expect(shuffledBars(candles, 1).close).toEqual(shuffled.close);
    expect(shuffledBars(candles, 2).close).not.toEqual(shuffled.close);
  });

  test("a planted drift lasts: neighbouring returns agree far more often than in shuffled bars", () => {
    const agreement = (close: Float64Array, lag: number) => {
      let same = 0;
      for (let i = lag + 1; i < close.length; i++) {
        if ((close[i]! - close[i - 1]!) * (close[i - lag]! - close[i - lag - 1]!) > 0) same += 1;
      }
      return same / close.length;
    };
    expect(agreement(shuffledBars(candles, 1).close, 3)).toBeLessThan(0.54);
    expect(agreement(plantedBars(candles, 1).close, 3)).toBeGreaterThan(0.6);
  });
});
