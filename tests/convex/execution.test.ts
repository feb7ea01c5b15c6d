import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import { DEFAULT_COST_MODEL } from "../../lib/broker/costModels";
import { LIMITS } from "../../lib/contract/limits";
import {
  accountOf,
  advance,
  beginRun,
  type Driven,
  decide,
  decisionOf,
  fillsOf,
  ledgerOf,
  ordersOf,
  play,
  runOf,
  submission,
} from "./runDriver";
import { bar, TF_MS } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";

let desk: Desk;
let run: Driven;
beforeEach(async () => {
  desk = await openDesk();
  run = await beginRun(desk);
});

/** Everything that bars and decisions of a run leave behind. */
const trace = () =>
  desk.t.run(async (ctx) => ({
    accounts: await ctx.db.query("accounts").collect(),
    orders: await ctx.db.query("orders").collect(),
    fills: await ctx.db.query("fills").collect(),
    ledger: await ctx.db.query("ledgerEntries").collect(),
    equity: await ctx.db.query("equityParts").collect(),
    decisions: await ctx.db.query("decisions").collect(),
    runs: await ctx.db.query("runs").collect(),
  }));

describe("bars", () => {
  test("an order decided at a close fills at the next bar's open with spread, slippage and fee", async () => {
    const { outcome } = await play(run, bar(0, 2_000), 2);
    expect(outcome).toBe("order");
    expect(await fillsOf(run)).toEqual([]);
    expect(await advance(run, bar(1, 2_010, { open: 2_004 }))).toMatchObject({ fills: 1, applied: true });
    const [fill] = await fillsOf(run);
    // 2004 * (1 + 0.96 bps) = 2004.19..., up to the tick; 10,000 / 2,000 = 5 units.
    expect(fill).toMatchObject({ qty: 5, price: 2_004.2, referencePrice: 2_004, reason: "order" });
    expect(fill!.feeUsd).toBeCloseTo(5 * 2_004.2 * 5e-4, 10);
    expect(await ordersOf(run)).toMatchObject([{ state: "filled", filledQty: 5, averagePrice: 2_004.2 }]);
    expect(await runOf(run)).toMatchObject({ bars: 2, decisions: 1, holds: 0, fills: 1 });
  });

  test("D-02: the newest bar repeated gives the stored account and books nothing", async () => {
    await play(run, bar(0, 2_000), 2);
    const first = await advance(run, bar(1, 2_010));
    const before = await trace();
    const again = await advance(run, bar(1, 2_010));
    expect(again).toEqual({ ...first, fills: 0, applied: false });
    expect(await trace()).toEqual(before);
  });

  test("D-02: the newest bar repeated after the kill switch flattened is still a repeat", async () => {
    await play(run, bar(0, 2_000), 2);
    await advance(run, bar(1, 2_010));
    await desk.operator.mutation(api.governance.console.engage, { mode: "flatten", reason: "test" });
    const before = await trace();
    expect(await advance(run, bar(1, 2_010))).toMatchObject({ applied: false, account: { positionQty: 0 } });
    expect(await trace()).toEqual(before);
    expect(await advance(run, bar(2, 2_010))).toMatchObject({ applied: true });
  });

  test("an older bar is refused and a corrupt one leaves nothing", async () => {
    await advance(run, bar(5, 2_000));
    const before = await trace();
    await expectFailure(advance(run, bar(4, 2_000)), "CONFLICT", "bar");
    await expectFailure(advance(run, bar(6, 2_000, { high: 1_990 })), "INVALID_ARGUMENT", "bar");
    await expectFailure(advance(run, bar(6, -1)), "INVALID_ARGUMENT", "bar");
    expect(await trace()).toEqual(before);
  });

  test("a protective stop inside the bar closes at the stop price, and the next decision starts flat", async () => {
    await play(run, bar(0, 2_000), 2);
    await advance(run, bar(1, 2_000));
    expect((await accountOf(run)).account.stopPrice).toBe(1_985);
    await play(run, bar(2, 1_990, { open: 2_000, low: 1_980 }), 2);
    const fills = await fillsOf(run);
    expect(fills.map((fill) => [fill.reason, fill.positionQtyAfter])).toEqual([
      ["order", 5],
      ["stop", 0],
    ]);
    expect(fills[1]).toMatchObject({ referencePrice: 1_985, qty: -5 });
    expect((await ordersOf(run)).map((order) => order.state)).toEqual(["filled", "accepted"]);
  });

  test("equity has one point per bar, across the parts it is stored in", async () => {
    await desk.t.run(async (ctx) => {
      await advance(run, bar(0, 2_000));
      const [part] = await ctx.db.query("equityParts").collect();
      const full = Array.from({ length: LIMITS.equityPointsPerPart }, (_, i) => i);
      await ctx.db.patch(part!._id, { timesMs: full, equityUsd: full, stopPrice: full });
    });
    await advance(run, bar(1, 2_000));
    await advance(run, bar(2, 2_000));
    const { timesMs, equityUsd, stopPrice } = await desk.viewer.query(api.execution.console.equity, {
      runId: run.runId,
    });
    expect(timesMs).toHaveLength(LIMITS.equityPointsPerPart + 2);
    expect(timesMs.slice(-2)).toEqual([bar(1, 0).openTimeMs, bar(2, 0).openTimeMs]);
    expect([equityUsd.length, stopPrice.length]).toEqual([timesMs.length, timesMs.length]);
  });
});

describe("decisions", () => {
  test("O-05, K-03: one bar is decided once; a repeat, even with another action, returns the first", async () => {
    const first = await play(run, bar(0, 2_000), 2);
    const before = await trace();
    expect(await decide(run, bar(0, 2_000), 2)).toEqual(first);
    expect(await decide(run, bar(0, 2_000), 0)).toEqual(first);
    expect(await trace()).toEqual(before);
  });

  test("a decision of a bar that the account does not stand at is refused", async () => {
    await advance(run, bar(0, 2_000));
    await expectFailure(decide(run, bar(1, 2_000), 2), "CONFLICT", "barOpenTimeMs");
    await advance(run, bar(1, 2_000));
    await expectFailure(decide(run, bar(0, 2_000), 2), "CONFLICT", "barOpenTimeMs");
  });

  test("A-05: an action or probabilities that no policy can give are refused", async () => {
    await advance(run, bar(0, 2_000));
    for (const action of [3, -1, 0.5]) {
      await expectFailure(decide(run, bar(0, 2_000), action), "INVALID_ARGUMENT", "action");
    }
    for (const probabilities of [[], [0.5, 0.5], [0.5, 0.5, 0.5], [1.5, -0.5, 0]]) {
      const call = decide(run, bar(0, 2_000), 2, { probabilities });
      await expectFailure(call, "INVALID_ARGUMENT", "probabilities");
    }
  });

  test("A-04: no policy output, or the worker's own reason, is a hold that says why", async () => {
    const missing = await play(run, bar(0, 2_000), null);
    expect(await decisionOf(run, missing.decisionId)).toMatchObject({
      ...{ outcome: "hold", holdReason: "no policy output", confidence: 0, targetPosition: 0 },
    });
    await advance(run, bar(1, 2_000));
    const forced = await decide(run, bar(1, 2_000), 2, { forcedHold: "feature 3 is out of range" });
    expect(await decisionOf(run, forced.decisionId)).toMatchObject({
      holdReason: "feature 3 is out of range",
    });
    expect(await ordersOf(run)).toEqual([]);
    expect(await runOf(run)).toMatchObject({ decisions: 2, holds: 2 });
  });

  test("M-08: sizing and limits use the price the desk knows: another reference price is refused", async () => {
    await advance(run, bar(0, 2_000));
    const call = decide(run, bar(0, 2_000), 2, { referencePrice: 1 });
    await expectFailure(call, "INVALID_ARGUMENT", "referencePrice");
  });

  test("A-03: a decision by another artifact, version or feature set than the run's is refused", async () => {
    await advance(run, bar(0, 2_000));
    const good = submission(run, bar(0, 2_000), 2).provenance;
    for (const change of [{ artifactSha256: "0".repeat(64) }, { featureFingerprint: "0".repeat(64) }]) {
      const call = decide(run, bar(0, 2_000), 2, { provenance: { ...good, ...change } });
      await expectFailure(call, "INVALID_ARGUMENT", "provenance");
    }
  });

  test("M-01: the close time must be that of the bar: a later one would make a stale bar look fresh", async () => {
    await advance(run, bar(0, 2_000));
    const call = decide(run, bar(0, 2_000), 2, { barCloseTimeMs: bar(0, 0).openTimeMs + 2 * TF_MS });
    await expectFailure(call, "INVALID_ARGUMENT", "barCloseTimeMs");
  });
});

test("stopping closes the position at its last mark with full costs and cancels what waits", async () => {
  await play(run, bar(0, 2_000), 2);
  await play(run, bar(1, 2_010), 0);
  await desk.operator.mutation(api.runs.console.stop, { runId: run.runId });
  const { account } = await accountOf(run);
  expect(account).toMatchObject({ positionQty: 0, stopPrice: 0, markPrice: 2_010 });
  const orders = await ordersOf(run);
  expect(orders.map((order) => [order.origin, order.state]).sort()).toEqual([
    ["decision", "canceled"],
    ["decision", "filled"],
    ["stopRun", "filled"],
  ]);
  const last = (await fillsOf(run)).at(-1)!;
  expect(last).toMatchObject({ qty: -5, referencePrice: 2_010 });
  expect(last.feeUsd).toBeCloseTo(5 * last.price * DEFAULT_COST_MODEL.takerFeeBps * 1e-4, 10);
  const cash = (await ledgerOf(run)).flatMap((row) => row.lines).filter((line) => line.account === "cash");
  expect(cash.reduce((sum, line) => sum + line.amountUsd, 0)).toBeCloseTo(account.balanceUsd, 8);
  expect(await runOf(run)).toMatchObject({ status: "stopped", fills: 2, equityUsd: account.equityUsd });
});
