import { describe, expect, test } from "vitest";
import { isExpectedOpen } from "../../lib/market/calendar";
import type { Candle } from "../../lib/market/types";
import { validateCandle } from "../../lib/market/validate";
import { DAY_MS, HOUR_MS, isTrading, MINUTE_MS, releaseMinuteMs } from "../../local/exchange/market/hours";
import { MarketSimulator } from "../../local/exchange/market/simulator";

const HISTORY = Date.UTC(2025, 0, 1);
const LATER = Date.UTC(2026, 0, 1);

function minuteBars(simulator: MarketSimulator, symbol: string, fromMs: number, toMs: number): Candle[] {
  const bars: Candle[] = [];
  for (let at = fromMs; at < toMs; at += MINUTE_MS) {
    const bar = simulator.minuteBar(symbol, at, LATER);
    if (bar) bars.push(bar);
  }
  return bars;
}

function logReturns(bars: Candle[]): number[] {
  return bars.slice(1).map((bar, i) => Math.log(bar.close / bars[i]!.close));
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function autocorrelation(values: number[], lag: number): number {
  const average = mean(values);
  let covariance = 0;
  let variance = 0;
  for (let i = 0; i < values.length; i++) {
    variance += (values[i]! - average) ** 2;
    if (i >= lag) covariance += (values[i]! - average) * (values[i - lag]! - average);
  }
  return covariance / variance;
}

describe("the simulated market is a function of seed, symbol and minute", () => {
  test("the same seed gives the same bars in whatever order they are asked for", () => {
    const from = Date.UTC(2025, 6, 1);
    const forward = new MarketSimulator(7, HISTORY);
    const backward = new MarketSimulator(7, Date.UTC(2024, 0, 1));
    const second = minuteBars(backward, "XAUT-USDT", from + DAY_MS, from + 2 * DAY_MS);
    const first = minuteBars(backward, "XAUT-USDT", from, from + DAY_MS);
    expect(minuteBars(forward, "XAUT-USDT", from, from + 2 * DAY_MS)).toEqual([...first, ...second]);
  });

  test("another seed gives another market", () => {
    const from = Date.UTC(2025, 6, 1);
    const bars = [7, 8].map((seed) =>
      minuteBars(new MarketSimulator(seed, HISTORY), "XAUT-USDT", from, from + HOUR_MS),
    );
    expect(bars[0]).not.toEqual(bars[1]);
  });

  test("M-03: a forming bar only grows, and ends as exactly the closed bar", () => {
    const simulator = new MarketSimulator(7, HISTORY);
    const open = Date.UTC(2025, 6, 1, 14, 30);
    let before = simulator.minuteBar("XAUT-USDT", open, open)!;
    const first = before;
    for (let second = 1; second < 60; second++) {
      const bar = simulator.minuteBar("XAUT-USDT", open, open + second * 1000)!;
      expect(bar.open).toBe(first.open);
      expect(bar.high).toBeGreaterThanOrEqual(before.high);
      expect(bar.low).toBeLessThanOrEqual(before.low);
      expect(bar.volume).toBeGreaterThanOrEqual(before.volume);
      before = bar;
    }
    expect(before.volume).toBeGreaterThan(first.volume);
    expect(simulator.minuteBar("XAUT-USDT", open, open + MINUTE_MS)).toEqual(before);
    expect(simulator.minuteBar("XAUT-USDT", open + MINUTE_MS, open + 30_000)).toBeNull();
  });
});

describe("the simulated market looks like gold", () => {
  const simulator = new MarketSimulator(7, HISTORY);
  const bars = minuteBars(simulator, "XAUT-USDT", Date.UTC(2025, 2, 1), Date.UTC(2025, 4, 1));
  const returns = logReturns(bars);

  test("minute returns have fat tails (kurtosis above 3) and hardly any memory of direction", () => {
    const variance = mean(returns.map((r) => r * r));
    expect(mean(returns.map((r) => r ** 4)) / variance ** 2).toBeGreaterThan(6);
    expect(Math.abs(autocorrelation(returns, 1))).toBeLessThan(0.1);
  });

  test("volatility comes in clusters: absolute returns correlate a minute, an hour and a day apart", () => {
    const sizes = returns.map(Math.abs);
    expect(autocorrelation(sizes, 1)).toBeGreaterThan(0.1);
    expect(autocorrelation(sizes, 60)).toBeGreaterThan(0.05);
    expect(autocorrelation(sizes, 1440)).toBeGreaterThan(0.02);
  });

  test("daily volatility is gold's, about 1 %", () => {
    const daily = Math.sqrt(mean(returns.map((r) => r * r)) * 1440);
    expect(daily).toBeGreaterThan(0.005);
    expect(daily).toBeLessThan(0.02);
  });

  test("New York hours are livelier than Tokyo, Tokyo than the evening, the weekend is thin", () => {
    const size = (hours: number[], weekend: boolean) => {
      const picked = bars.filter((bar) => {
        const date = new Date(bar.openTimeMs);
        return hours.includes(date.getUTCHours()) && (date.getUTCDay() === 6) === weekend;
      });
      return {
        move: mean(picked.map((b) => Math.log(b.high / b.low))),
        volume: mean(picked.map((b) => b.volume)),
      };
    };
    const [newYork, tokyo, evening, saturday] = [
      size([13, 14], false),
      size([1, 2], false),
      size([21, 22], false),
      size([13, 14], true),
    ];
    for (const key of ["move", "volume"] as const) {
      expect(newYork[key]).toBeGreaterThan(1.3 * tokyo[key]);
      expect(tokyo[key]).toBeGreaterThan(1.1 * evening[key]);
      expect(saturday[key]).toBeLessThan(0.5 * newYork[key]);
    }
  });

  test("08:30 New York brings jumps", () => {
    const byTime = new Map(bars.map((bar) => [bar.openTimeMs, bar]));
    const moveAt = (offsetMs: number) => {
      const moves: number[] = [];
      for (let day = Date.UTC(2025, 2, 1); day < Date.UTC(2025, 4, 1); day += DAY_MS) {
        const bar = byTime.get(releaseMinuteMs(day) + offsetMs)!;
        moves.push(Math.abs(Math.log(bar.close / bar.open)));
      }
      return mean(moves);
    };
    expect(moveAt(0)).toBeGreaterThan(1.5 * moveAt(-10 * MINUTE_MS));
  });

  test("every bar is sound and on the tick", () => {
    for (const bar of bars) {
      expect(validateCandle(bar, "1m")).toBeNull();
      expect(Math.abs(bar.close * 100 - Math.round(bar.close * 100))).toBeLessThan(1e-6);
      expect(bar.volume).toBeGreaterThan(0);
    }
  });

  test("the price never runs away: 3 years of 10 seeds stay between 2,300 and 3,500", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { index } = new MarketSimulator(seed, HISTORY);
      for (let day = HISTORY; day < HISTORY + 3 * 365 * DAY_MS; day += 15 * DAY_MS) {
        const price = Math.exp(index.logPriceAt(day));
        expect(price).toBeGreaterThan(2300);
        expect(price).toBeLessThan(3500);
      }
    }
  });

  test("the instruments move together, a few bps apart", () => {
    const [from, to] = [Date.UTC(2025, 2, 3, 12), Date.UTC(2025, 2, 3, 18)];
    const [token, metal] = ["XAUT-USDT", "NCCOGOLD2USD-USDT"].map((symbol) =>
      minuteBars(simulator, symbol, from, to),
    );
    const gaps = token!.map((bar, i) => Math.abs(bar.close / metal![i]!.close - 1) * 1e4);
    expect(Math.max(...gaps)).toBeLessThan(50);
    expect(Math.max(...gaps)).toBeGreaterThan(0);
    const [a, b] = [logReturns(token!), logReturns(metal!)];
    const product = mean(a.map((value, i) => value * b[i]!));
    const correlation = product / Math.sqrt(mean(a.map((x) => x * x)) * mean(b.map((x) => x * x)));
    expect(correlation).toBeGreaterThan(0.9);
  });
});

describe("trading hours", () => {
  test("M-07: the exchange's metals hours are those of the desk's calendar through three years of clock changes", () => {
    for (let at = HISTORY; at < HISTORY + 3 * 365 * DAY_MS; at += 15 * MINUTE_MS) {
      if (isTrading("metals", at) !== isExpectedOpen("metals", at, MINUTE_MS)) {
        throw new Error(`hours differ at ${new Date(at).toISOString()}`);
      }
    }
  });

  test("M-07: the gold perpetual prints nothing over the weekend, tokens do", () => {
    const simulator = new MarketSimulator(7, HISTORY);
    const saturday = Date.UTC(2025, 6, 5);
    expect(minuteBars(simulator, "NCCOGOLD2USD-USDT", saturday, saturday + DAY_MS)).toHaveLength(0);
    expect(minuteBars(simulator, "XAUT-USDT", saturday, saturday + DAY_MS)).toHaveLength(1440);
  });
});
