import { describe, expect, it } from "vitest";
import { estimateClose } from "./closeCost";

const costs = { takerFeeBps: 5, halfSpreadBps: 0.46, slippageBps: 0.5 };

describe("the consequence preview of a close", () => {
  it("trades the opposite of the position and prices it with the run's own costs", () => {
    const estimate = estimateClose({ positionQty: 0.42, markPrice: 3312.1 }, costs);
    expect(estimate?.qty).toBe(-0.42);
    expect(estimate?.notionalUsd).toBeCloseTo(1391.082, 6);
    expect(estimate?.costUsd).toBeCloseTo(0.8290849, 6);
  });

  it("is the same cost for a short, and nothing when flat", () => {
    expect(estimateClose({ positionQty: -0.42, markPrice: 3312.1 }, costs)?.qty).toBe(0.42);
    expect(estimateClose({ positionQty: 0, markPrice: 3312.1 }, costs)).toBeNull();
  });
});
