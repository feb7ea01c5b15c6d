import { BASELINE_NAMES, type BaselineName, type EvaluationReport } from "../../lib/stats/reportTypes";
import { summariseTrades } from "../../lib/stats/summariseTrades";
import { environmentHash } from "../env/envSpec";
import { type BacktestInput, type BacktestResult, runBacktest } from "./backtest";
import { actionMix, type BaselineRun, baselineBacktests, RANDOM_RUNS, switchingRate } from "./baselines";

export interface EvaluationOptions extends BacktestInput {
  /** Seeds the random baseline; the same seed gives the same report. */
  seed: number;
  /** Asked once after the run: mean policy entropy in nats, where the policy gives probabilities. */
  meanEntropy?: () => number;
}

export interface Evaluation {
  report: EvaluationReport;
  /** Trades, equity and times that the report follows from; the server recomputes it from these. */
  result: BacktestResult;
  /** The same of every baseline. */
  baselines: Record<BaselineName, BaselineRun>;
}

/**
 * Backtests a policy and sets it beside the baselines on the same bars. Plain JSON out: the server stores it and
 * recomputes every figure that gates read with `summariseTrades`.
 */
export function evaluatePolicy(options: EvaluationOptions): Evaluation {
  const { spec, seed } = options;
  const result = runBacktest(options);
  const { trades, equityUsd, openTimesMs, actions } = result;
  const symbol = spec.rules.symbol;
  const baselines = baselineBacktests(options, switchingRate(actions), seed, RANDOM_RUNS);
  const summaryOf = ({ rule, result: run }: BaselineRun) => ({
    ...summariseTrades({ symbol, ...run }),
    actionMix: actionMix(run.actions),
    rule,
  });
  const report: EvaluationReport = {
    reportVersion: 1,
    symbol,
    environmentHash: environmentHash(spec),
    costModelId: spec.costs.id,
    ...summariseTrades({ symbol, trades, equityUsd, openTimesMs }),
    actionMix: actionMix(actions),
    entropy: options.meanEntropy?.() ?? null,
    baselines: Object.fromEntries(
      BASELINE_NAMES.map((name) => [name, summaryOf(baselines[name])]),
    ) as EvaluationReport["baselines"],
  };
  return { report, result, baselines };
}
