import { describe, expect, it } from "vitest";
import { createPolicy } from "../../lib/policy/decide";
import { trainPpo } from "../../rl-worker/train/ppo";
import { PPO_DEFAULTS } from "../../rl-worker/train/ppoTypes";
import { createPlantedMarket, PlantedEnv } from "../markets/plantedMarket";
import { plantedShare } from "../markets/plantedRun";

describe("planted signal", () => {
  it("PPO earns at least 90 % of the oracle's return after full costs, on unseen bars, in 300,000 steps", async () => {
    const { share, oracleReturn } = await plantedShare({ seed: 7, steps: 300_000, nowMs: () => 0 });
    expect(oracleReturn).toBeGreaterThan(100);
    expect(share).toBeGreaterThanOrEqual(0.9);
  });

  it("PPO stays flat, or nearly so, where costs exceed what the signal can pay", async () => {
    const cost = 200;
    const market = createPlantedMarket({ seed: 3, bars: 20_000, costBpsPerSide: cost });
    const makeEnv = () => new PlantedEnv(market, cost);
    const settings = { ...PPO_DEFAULTS, seed: 7, environmentSteps: 150_000 };
    const { network, weights } = await trainPpo({ makeEnv, settings, nowMs: () => 0 });
    const policy = createPolicy(network, weights);
    const env = new PlantedEnv(market, cost, 19_999);
    env.reset(0);
    const observation = new Float32Array(env.observationSize);
    let trades = 0;
    let position = 1;
    for (let done = false; !done; ) {
      env.observe(observation, 0);
      const { action } = policy.decide(observation);
      if (action !== position) trades++;
      position = action;
      done = env.step(action).truncated;
    }
    expect(trades).toBeLessThan(20);
  });
});
