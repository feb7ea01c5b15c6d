import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import { LIMITS } from "../../lib/contract/limits";
import {
  accountOf,
  advance,
  beginRun,
  beginRunOf,
  type Driven,
  decide,
  decisionOf,
  fillsOf,
  ordersOf,
  play,
  runOf,
  START,
} from "./runDriver";
import { bar, seedVersion } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});

type Mode = "noNewRisk" | "cancelAll" | "flatten";
const engage = (mode: Mode, reason = "a drill") =>
  desk.operator.mutation(api.governance.console.engage, { mode, reason });
const arm = (reason = "the drill is over") => desk.admin.mutation(api.governance.console.arm, { reason });
const killSwitch = () => desk.viewer.query(api.governance.console.killSwitch, {});

/** Long 5 since bar 1, decided at bar 0. */
async function longRun(): Promise<Driven> {
  const run = await beginRun(desk);
  await play(run, bar(0, 2_000), 2);
  await advance(run, bar(1, 2_000));
  return run;
}

describe("flatten", () => {
  test("K-01: closes every position in the same call, with no worker alive", async () => {
    const version = await seedVersion(desk);
    const runs = [await beginRunOf(desk, version), await beginRunOf(desk, version)];
    for (const [i, run] of runs.entries()) {
      await play(run, bar(0, 2_000), i === 0 ? 2 : 0);
      await play(run, bar(1, 2_003), 1);
    }
    const idle = await desk.operator.mutation(api.runs.console.start, START);
    expect(await engage("flatten")).toEqual({ epoch: 2, ordersCancelledIn: 2, fills: 2 });
    for (const run of runs) {
      const { account } = await accountOf(run);
      expect(account).toMatchObject({ positionQty: 0, stopPrice: 0, markPrice: 2_003 });
      expect((await ordersOf(run)).map((order) => [order.origin, order.state, order.reason ?? null])).toEqual(
        expect.arrayContaining([
          ["decision", "canceled", "killSwitch"],
          ["killSwitch", "filled", null],
        ]),
      );
      expect(await runOf(run)).toMatchObject({ fills: 2, equityUsd: account.equityUsd });
    }
    expect(await desk.viewer.query(api.execution.console.account, { runId: idle.runId })).toBeNull();
  });

  test("K-01: engaging again while flat books nothing more, and a worker that comes back only holds", async () => {
    const run = await longRun();
    await engage("flatten");
    const fills = await fillsOf(run);
    expect(await engage("flatten")).toMatchObject({ epoch: 3, fills: 0 });
    const { decisionId, outcome } = await play(run, bar(2, 2_000), 2);
    expect(outcome).toBe("hold");
    expect(await decisionOf(run, decisionId)).toMatchObject({
      killEpoch: 3,
      holdReason: "already at target",
    });
    await advance(run, bar(3, 2_000));
    expect(await fillsOf(run)).toEqual(fills);
  });

  test("a decision that the flatten overtook is refused, not booked on the account of before", async () => {
    const run = await longRun();
    await engage("flatten");
    await expectFailure(decide(run, bar(1, 2_000), 0), "CONFLICT", "barOpenTimeMs");
  });

  test("after re-arming the run trades again under the new epoch", async () => {
    const run = await longRun();
    await engage("flatten");
    await arm();
    const { decisionId, outcome } = await play(run, bar(2, 2_000), 0);
    expect(outcome).toBe("order");
    expect(await decisionOf(run, decisionId)).toMatchObject({
      killEpoch: 3,
      plannedQty: expect.closeTo(-4.9, 0),
    });
    await advance(run, bar(3, 2_000));
    expect((await accountOf(run)).account.positionQty).toBeLessThan(0);
  });
});

describe("no new risk", () => {
  test("K-04: a flat run holds, and the verdict names the kill switch", async () => {
    const run = await beginRun(desk);
    await engage("noNewRisk");
    const { decisionId, outcome } = await play(run, bar(0, 2_000), 2);
    expect(outcome).toBe("hold");
    const decision = await decisionOf(run, decisionId);
    expect(decision.holdReason).toMatch(/kill switch is in mode noNewRisk/);
    expect(decision.verdicts.filter((verdict) => !verdict.passed).map((verdict) => verdict.rule)).toEqual([
      "killSwitch",
    ]);
    expect(decision.circumstances).toMatchObject({ killMode: "noNewRisk", runStatus: "running" });
  });

  test("K-04: a closing order goes through", async () => {
    const run = await longRun();
    await engage("noNewRisk");
    expect(await decide(run, bar(1, 2_000), 1)).toMatchObject({ outcome: "order" });
    await advance(run, bar(2, 2_000));
    expect((await accountOf(run)).account.positionQty).toBe(0);
  });

  test("K-01: an opening order that has not filled yet is cancelled, a closing one stays", async () => {
    const version = await seedVersion(desk);
    const opening = await beginRunOf(desk, version);
    await play(opening, bar(0, 2_000), 2);
    const closing = await beginRunOf(desk, version);
    await play(closing, bar(0, 2_000), 2);
    await play(closing, bar(1, 2_000), 1);
    expect(await engage("noNewRisk")).toEqual({ epoch: 2, ordersCancelledIn: 1, fills: 0 });
    await advance(opening, bar(1, 2_000));
    await advance(closing, bar(2, 2_000));
    expect(await fillsOf(opening)).toEqual([]);
    expect((await ordersOf(opening))[0]).toMatchObject({ state: "canceled", reason: "killSwitch" });
    expect((await accountOf(closing)).account.positionQty).toBe(0);
  });
});

describe("cancel all", () => {
  test("K-01: open orders are cancelled, the position and its stop stay, nothing new is placed", async () => {
    const run = await longRun();
    await decide(run, bar(1, 2_000), 0);
    const before = await accountOf(run);
    expect(await engage("cancelAll")).toEqual({ epoch: 2, ordersCancelledIn: 1, fills: 0 });
    expect(await accountOf(run)).toEqual(before);
    const { decisionId } = await play(run, bar(2, 2_000), 1);
    expect(await decisionOf(run, decisionId)).toMatchObject({ holdReason: "kill switch: cancel all" });
    const { account } = await advance(run, bar(3, 1_990, { open: 2_000, low: 1_980 }));
    expect(account.positionQty).toBe(0);
    expect((await fillsOf(run)).at(-1)).toMatchObject({ reason: "stop" });
  });
});

describe("the switch itself", () => {
  test("the epoch grows with every change, re-arming included", async () => {
    expect(await killSwitch()).toMatchObject({ epoch: 1, mode: "armed" });
    for (const mode of ["noNewRisk", "cancelAll", "flatten", "noNewRisk"] as const) await engage(mode);
    expect(await arm()).toEqual({ epoch: 6 });
    expect(await killSwitch()).toMatchObject({
      ...{ epoch: 6, mode: "armed", reason: "the drill is over" },
      changedBy: "https://assay.local|local:admin",
    });
  });

  test("K-06: an operator engages but cannot re-arm; a viewer does neither", async () => {
    await expectFailure(
      desk.viewer.mutation(api.governance.console.engage, { mode: "flatten", reason: "no right" }),
      "FORBIDDEN",
    );
    await engage("noNewRisk");
    const byOperator = desk.operator.mutation(api.governance.console.arm, { reason: "I want to trade" });
    await expectFailure(byOperator, "FORBIDDEN");
    expect(await killSwitch()).toMatchObject({ mode: "noNewRisk" });
  });

  test.each(["", "  ", "no", "x".repeat(LIMITS.reasonChars + 1)])(
    "a reason must say why: %j is refused",
    async (reason) => {
      await expectFailure(engage("flatten", reason), "INVALID_ARGUMENT", "reason");
      await expectFailure(arm(reason), "INVALID_ARGUMENT", "reason");
      expect(await killSwitch()).toMatchObject({ epoch: 1, mode: "armed" });
    },
  );

  test("a desk whose switch was never set lets no new risk through", async () => {
    const run = await beginRun(desk);
    await desk.t.run(async (ctx) => {
      for (const row of await ctx.db.query("killSwitch").collect()) await ctx.db.delete(row._id);
    });
    expect(await killSwitch()).toMatchObject({ epoch: 0, mode: "noNewRisk" });
    expect(await play(run, bar(0, 2_000), 2)).toMatchObject({ outcome: "hold" });
  });
});
