import { DEFAULT_COST_MODEL } from "../../lib/broker/costModels";
import type { CostModel, InstrumentRules } from "../../lib/broker/types";
import { PORTFOLIO_FIELDS } from "../../lib/features/observation";
import type { Normaliser } from "../../lib/features/types";
import { verifyArtifact } from "../../lib/policy/artifact";
import { defaultEnvSpec, type EnvSpec } from "../../rl-worker/env/envSpec";
import { createTradingEnv, type TradingEnv } from "../../rl-worker/env/tradingEnv";
import { trainOnDataset } from "../../rl-worker/train/trainPolicy";
import { createPlantedMarket, type PlantedMarket } from "./plantedMarket";

/** Rules of the made-up instrument of the planted markets. */
export const PLANTED_RULES: InstrumentRules = {
  symbol: "PLANTED",
  tickSize: 0.01,
  lotStep: 0.0001,
  minQty: 0.0001,
  minNotionalUsd: 2,
  maxLeverage: 50,
};

export function costBpsPerSide(costs: CostModel): number {
  return costs.takerFeeBps + costs.halfSpreadBps + costs.slippageBps;
}

/** Sum of rewards over one pass through a market from its first to its last row. */
export function passReturn(
  market: PlantedMarket,
  spec: EnvSpec,
  normaliser: Normaliser,
  act: (env: TradingEnv, observation: Float32Array) => number,
): number {
  const env = createTradingEnv({ ...market, normaliser, spec: { ...spec, episodeBars: 10_000_000 } });
  env.reset(0);
  const observation = new Float32Array(env.observationSize);
  let total = 0;
  for (;;) {
    env.observe(observation, 0);
    const { reward, terminated, truncated } = env.step(act(env, observation));
    total += reward;
    if (terminated || truncated) return total;
  }
}

/**
 * Trains PPO on a planted market through the real trading environment with its full default costs, and
 * compares its return on fresh bars, which it never saw, with the oracle's on the same bars.
 */
export async function plantedShare(options: {
  seed: number;
  steps: number;
  nowMs: () => number;
}): Promise<{ share: number; oracleReturn: number; policyReturn: number; artifactSha256: string }> {
  const costs = DEFAULT_COST_MODEL;
  const spec = defaultEnvSpec(PLANTED_RULES, costs);
  const market = (seed: number, bars: number) =>
    createPlantedMarket({ seed, bars, costBpsPerSide: costBpsPerSide(costs) });
  const trainMarket = market(1, 60_000);
  const testMarket = market(2, 20_000);
  const outcome = await trainOnDataset({
    dataset: trainMarket,
    identity: {
      datasetHash: "planted-market-1",
      instrument: PLANTED_RULES.symbol,
      timeframe: "15m",
      featureSetId: "planted",
      featureFingerprint: "planted",
      observationFields: [...trainMarket.features.names, ...PORTFOLIO_FIELDS],
    },
    envSpec: spec,
    algorithm: "ppo",
    ...options,
  });
  if (outcome.status !== "trained") throw new Error("the run stopped early");
  const { manifest, files, artifactSha256 } = outcome.artifact;
  const loaded = verifyArtifact(manifest, files, artifactSha256);
  if (!loaded.ok) throw new Error(loaded.error.message);
  const { policy } = loaded.value;
  const run = (act: (env: TradingEnv, observation: Float32Array) => number) =>
    passReturn(testMarket, spec, manifest.normaliser, act);
  const oracleReturn = run((env) => testMarket.oracleAction(env.row(), Math.sign(env.account().positionQty)));
  const policyReturn = run((_, observation) => policy.decide(observation).action);
  return { share: policyReturn / oracleReturn, oracleReturn, policyReturn, artifactSha256 };
}
