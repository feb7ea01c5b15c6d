import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import { DEFAULT_COST_MODEL } from "../../lib/broker/costModels";
import type { RiskLimits } from "../../lib/risk/types";
import { accountOf, advance, beginRun, type Driven, decide, decisionOf, ordersOf, play } from "./runDriver";
import { bar, T0, TF_MS } from "./seed";
import { type Desk, expectFailure, freezeDate, openDesk } from "./setup";

let desk: Desk;
beforeEach(async () => {
  freezeDate();
  desk = await openDesk();
});
afterEach(() => {
  vi.useRealTimers();
});

const WIDE: RiskLimits = {
  maxPositionNotionalUsd: 1e6,
  maxLeverage: 10,
  maxDailyLossUsd: 1e6,
  maxDrawdownFraction: 0.99,
  maxOrdersPerHour: 100,
  maxBarAgeMs: 60_000,
};
const setLimits = (change: Partial<RiskLimits> = {}, reason = "a test") =>
  desk.admin.mutation(api.risk.console.set, { limits: { ...WIDE, ...change }, reason });
const failedRules = async (run: Driven, decided: Awaited<ReturnType<typeof play>>) => {
  const { verdicts } = await decisionOf(run, decided.decisionId);
  return verdicts.filter((verdict) => !verdict.passed).map((verdict) => verdict.rule);
};

describe("limits", () => {
  test("K-08: with no limits stored every decision is a hold that says so; there is no default in code", async () => {
    const run = await beginRun(desk);
    await desk.t.run(async (ctx) => {
      for (const row of await ctx.db.query("riskLimits").collect()) await ctx.db.delete(row._id);
    });
    const decided = await play(run, bar(0, 2_000), 2);
    const decision = await decisionOf(run, decided.decisionId);
    expect(decision).toMatchObject({ outcome: "hold", riskLimitsVersion: 0 });
    expect(decision.holdReason).toMatch(/limits are missing/);
    expect(await ordersOf(run)).toEqual([]);
  });

  test("a new version is in force for the next decision, and each decision names the version that judged it", async () => {
    const run = await beginRun(desk);
    await setLimits({ maxPositionNotionalUsd: 1 });
    const refused = await play(run, bar(0, 2_000), 2);
    expect(await failedRules(run, refused)).toEqual(["positionNotional"]);
    await setLimits();
    const allowed = await play(run, bar(1, 2_000), 2);
    expect(allowed.outcome).toBe("order");
    expect((await decisionOf(run, refused.decisionId)).riskLimitsVersion).toBe(2);
    expect((await decisionOf(run, allowed.decisionId)).riskLimitsVersion).toBe(3);
    const stored = await desk.service.query(api.risk.worker.limits, { version: 2 });
    expect(stored).toEqual({ ...WIDE, maxPositionNotionalUsd: 1 });
  });

  test.each([
    ["maxLeverage", 0],
    ["maxDailyLossUsd", -1],
    ["maxDrawdownFraction", 1.5],
  ])("K-08: %s = %d cannot be set: the risk kernel could not read it", async (field, value) => {
    await expectFailure(setLimits({ [field]: value }), "INVALID_ARGUMENT", field);
    expect(await desk.viewer.query(api.risk.console.current, {})).toMatchObject({ version: 1 });
  });

  test("limits change only with a reason that says why", async () => {
    await expectFailure(setLimits({}, " "), "INVALID_ARGUMENT", "reason");
  });
});

describe("verdicts", () => {
  test("K-04: limits lowered below the exposure let the position be closed, never increased or flipped", async () => {
    const run = await beginRun(desk);
    await play(run, bar(0, 2_000), 2);
    await advance(run, bar(1, 2_000));
    await setLimits({ maxPositionNotionalUsd: 100, maxLeverage: 0.01 });
    await decide(run, bar(1, 2_000), 0);
    const { account } = await advance(run, bar(2, 2_000));
    expect(account.positionQty).toBeGreaterThanOrEqual(0);
    expect(account.positionQty).toBeLessThanOrEqual(5);
    await decide(run, bar(2, 2_000), 1);
    await advance(run, bar(3, 2_000));
    expect((await accountOf(run)).account.positionQty).toBe(0);
    const reopen = await play(run, bar(4, 2_000), 2);
    expect(await failedRules(run, reopen)).toEqual(["positionNotional", "leverage"]);
  });

  test("K-07: the daily loss counts from 00:00 UTC, stops new risk for the day, and lets a close through", async () => {
    await setLimits({ maxDailyLossUsd: 100 });
    const frictionless = { ...DEFAULT_COST_MODEL, id: "no-fee", takerFeeBps: 0, fundingRatePerInterval: 0 };
    const run = await beginRun(desk, { costs: frictionless });
    await play(run, bar(0, 2_000), 2);
    // 5 units lose 5 x 10 = 50 on this bar, 5 x 21 = 105 on the next, above the stop at 1985 all the way.
    await play(run, bar(1, 1_990, { open: 2_000 }), 2);
    await advance(run, bar(2, 1_979.5, { open: 1_990 }));
    expect((await accountOf(run)).account.positionQty).toBe(0);
    const tripped = await decide(run, bar(2, 1_979.5), 2);
    expect(await failedRules(run, tripped)).toEqual([]);
    await play(run, bar(3, 1_979.5), 2);
    await advance(run, bar(4, 1_970, { open: 1_979.5 }));
    const stopped = await decide(run, bar(4, 1_970), 0);
    expect(await failedRules(run, stopped)).toContain("dailyLoss");
    const nextDay = (Math.floor(T0 / 86_400_000) + 1) * 86_400_000;
    const midnight = (nextDay - T0) / TF_MS;
    await advance(run, bar(midnight, 1_970));
    const fresh = await decide(run, bar(midnight, 1_970), 2);
    expect(await failedRules(run, fresh)).toEqual([]);
    expect(fresh.outcome, "the loss healed overnight, the breaker did not").toBe("hold");
    await desk.operator.mutation(api.runs.console.resume, { runId: run.runId });
    await advance(run, bar(midnight + 1, 1_970));
    expect((await decide(run, bar(midnight + 1, 1_970), 2)).outcome, "a person re-armed it").toBe("order");
  });

  test("the order rate counts the orders of the last hour of bars, this one included", async () => {
    await setLimits({ maxOrdersPerHour: 3 });
    const run = await beginRun(desk);
    const outcomes = [];
    for (const [i, action] of [2, 0, 2, 0, 0].entries())
      outcomes.push((await play(run, bar(i, 2_000), action)).outcome);
    // Bars 0, 1 and 2 fill the hour: the flip of bar 3 is refused but for its closing part (K-04), which counts
    // too, so at bar 4, when the order of bar 0 is an hour old, the hour is full again.
    expect(outcomes).toEqual(["order", "order", "order", "order", "hold"]);
  });

  test("M-01: a live bar that is older than the limit is a hold; a replayed bar arrives at its own close", async () => {
    await setLimits({ maxBarAgeMs: 60_000 });
    const closeMs = T0 + TF_MS;
    const live = await beginRun(desk, { start: { feed: "live" } });
    await advance(live, bar(0, 2_000));
    vi.setSystemTime(closeMs + 60_001);
    const late = await decide(live, bar(0, 2_000), 2);
    expect(await failedRules(live, late)).toEqual(["barAge"]);
    await advance(live, bar(1, 2_000));
    vi.setSystemTime(closeMs + TF_MS + 60_000);
    expect(await decide(live, bar(1, 2_000), 2)).toMatchObject({ outcome: "order" });
  });

  test("a paused run holds, with the position and its stop left as they are", async () => {
    const run = await beginRun(desk);
    await play(run, bar(0, 2_000), 2);
    await desk.operator.mutation(api.runs.console.pause, { runId: run.runId });
    const decided = await play(run, bar(1, 2_000), 0);
    expect(await decisionOf(run, decided.decisionId)).toMatchObject({ holdReason: "the run is paused" });
    expect((await accountOf(run)).account).toMatchObject({ positionQty: 5, stopPrice: 1_985 });
    await desk.operator.mutation(api.runs.console.resume, { runId: run.runId });
    expect(await play(run, bar(2, 2_000), 0)).toMatchObject({ outcome: "order" });
  });
});
