import { DEFAULT_COST_MODEL } from "../../lib/broker/costModels";
import type { InstrumentRules } from "../../lib/broker/types";
import { PORTFOLIO_FIELDS } from "../../lib/features/observation";
import type { Algorithm } from "../../lib/policy/algorithms";
import { type LoadedPolicy, verifyArtifact } from "../../lib/policy/artifact";
import type { EncoderGroup } from "../../lib/policy/types";
import { defaultEnvSpec } from "../../rl-worker/env/envSpec";
import { createTradingEnv, type TradingEnv } from "../../rl-worker/env/tradingEnv";
import { type Hyperparameters, trainOnDataset } from "../../rl-worker/train/trainPolicy";
import { createPlantedMarket, type PlantedMarket, type PlantedMarketOptions } from "./plantedMarket";

/** Rules of the made-up instrument of the planted markets. */
const RULES: InstrumentRules = {
  symbol: "PLANTED",
  tickSize: 0.01,
  lotStep: 0.0001,
  minQty: 0.0001,
  minNotionalUsd: 2,
  maxLeverage: 50,
};

/** The real environment with its full default costs, on the planted instrument. */
export const PLANTED_SPEC = defaultEnvSpec(RULES, DEFAULT_COST_MODEL);

/** A market whose oracle pays what a side costs in PLANTED_SPEC. */
export function plantedMarket(options: Omit<PlantedMarketOptions, "costBpsPerSide">): PlantedMarket {
  const { takerFeeBps, halfSpreadBps, slippageBps } = PLANTED_SPEC.costs;
  return createPlantedMarket({ ...options, costBpsPerSide: takerFeeBps + halfSpreadBps + slippageBps });
}

/** Groups as a feature set of several timeframes has them: the signal with half of the noise, the rest, the account. */
function groupsOf({ features: { width } }: PlantedMarket): EncoderGroup[] {
  const columns = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
  const half = Math.floor(width / 2);
  return [
    { name: "base", columns: columns(0, half) },
    { name: "1h", columns: columns(half, width) },
    { name: "portfolio", columns: columns(width, width + PORTFOLIO_FIELDS.length) },
  ];
}

/** Trains with the default hyper-parameters (PPO unless told otherwise) and loads the artifact as inference does. */
export async function trainOnMarket(
  market: PlantedMarket,
  options: {
    seed: number;
    steps: number;
    nowMs: () => number;
    fromRow?: number;
    algorithm?: Algorithm;
    hyperparameters?: Hyperparameters;
  },
): Promise<LoadedPolicy> {
  const { fromRow, algorithm = "ppo", ...rest } = options;
  const outcome = await trainOnDataset({
    dataset: { ...market, fromRow },
    identity: {
      datasetHash: "planted-market",
      instrument: RULES.symbol,
      timeframe: "15m",
      featureSetId: "planted",
      featureFingerprint: "planted",
      observationFields: [...market.features.names, ...PORTFOLIO_FIELDS],
      observationGroups: groupsOf(market),
    },
    envSpec: PLANTED_SPEC,
    algorithm,
    ...rest,
  });
  if (outcome.status !== "trained") throw new Error("the run stopped early");
  const { manifest, files, artifactSha256 } = outcome.artifact;
  const loaded = verifyArtifact(manifest, files, artifactSha256);
  if (!loaded.ok) throw new Error(loaded.error.message);
  return loaded.value;
}

/** Returns of a policy and of an oracle over one pass through the same bars, and their ratio. */
export function compareWithOracle(
  market: PlantedMarket,
  { manifest, policy }: LoadedPolicy,
  oracle: PlantedMarket["oracleAction"],
): { share: number; oracleReturn: number; policyReturn: number } {
  const pass = (act: (env: TradingEnv, observation: Float32Array) => number) => {
    const spec = { ...PLANTED_SPEC, episodeBars: 10_000_000 };
    const env = createTradingEnv({ ...market, normaliser: manifest.normaliser, spec });
    env.reset(0);
    const observation = new Float32Array(env.observationSize);
    for (let total = 0; ; ) {
      env.observe(observation, 0);
      const { reward, terminated, truncated } = env.step(act(env, observation));
      total += reward;
      if (terminated || truncated) return total;
    }
  };
  const oracleReturn = pass((env) => oracle(env.row(), Math.sign(env.account().positionQty)));
  const policyReturn = pass((_, observation) => policy.decide(observation).action);
  return { share: policyReturn / oracleReturn, oracleReturn, policyReturn };
}
