/** Random operators, markets and policies against one run: what must hold after every single step. */
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import { CHAIN_START, verifyEntries } from "../../lib/audit/chain";
import {
  accountOf,
  advance,
  beginRunOf,
  type Driven,
  decide,
  fillsOf,
  ledgerOf,
  ordersOf,
  runOf,
} from "./runDriver";
import { bar, seedVersion } from "./seed";
import { type Desk, freezeDate, openDesk } from "./setup";

type Step =
  | { kind: "bar"; move: number; action: number | null }
  | { kind: "engage"; mode: "noNewRisk" | "cancelAll" | "flatten" }
  | { kind: "arm" | "pause" | "resume" | "stop" | "repeatBar" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("bar" as const),
      move: fc.integer({ min: -20, max: 20 }),
      action: fc.constantFrom(0, 1, 2, 0, 2, null),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("engage" as const),
      mode: fc.constantFrom("noNewRisk" as const, "cancelAll" as const, "flatten" as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("arm", "arm", "pause", "resume", "repeatBar"),
    }) as fc.Arbitrary<Step>,
  },
);

interface World {
  desk: Desk;
  run: Driven;
  index: number;
  price: number;
}

async function play(world: World, move: number, action: number | null): Promise<void> {
  const { run } = world;
  world.index += 1;
  const open = world.price;
  world.price = open + move;
  const candle = bar(world.index, world.price, { open, high: Math.max(open, world.price) + 4 });
  const { applied } = await advance(run, candle);
  if (applied) await decide(run, candle, action);
}

/** Calls that the state of the run may refuse; a refusal must change nothing, which the checks then see. */
async function act(world: World, { kind, ...rest }: Step): Promise<void> {
  const { desk, run } = world;
  const { runId } = run;
  const reason = "a random drill";
  if (kind === "bar") {
    const { move, action } = rest as { move: number; action: number | null };
    await play(world, move, action);
  } else if (kind === "engage") {
    const { mode } = rest as { mode: "flatten" };
    await desk.operator.mutation(api.governance.console.engage, { mode, reason });
  } else if (kind === "arm") {
    await desk.admin.mutation(api.governance.console.arm, { reason });
  } else if (kind === "repeatBar") {
    if (world.index >= 0) await advance(run, bar(world.index, world.price, { high: world.price + 50 }));
  } else {
    await desk.operator.mutation(api.runs.console[kind], { runId });
  }
}

const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

async function check({ desk, run }: World, before: { fills: number; mode: string }): Promise<void> {
  const { account } = await accountOf(run);
  const fills = await fillsOf(run);
  const orders = await ordersOf(run);
  const { mode } = await desk.viewer.query(api.governance.console.killSwitch, {});

  expect(orders.filter((order) => order.state === "accepted").length, "open orders").toBeLessThanOrEqual(1);
  expect(sum(fills.map((fill) => fill.qty))).toBeCloseTo(account.positionQty, 8);
  for (const { clientOrderId, qty } of orders) {
    const filled = sum(fills.filter((fill) => fill.clientOrderId === clientOrderId).map((fill) => fill.qty));
    expect(Math.abs(filled), "over-fill").toBeLessThanOrEqual(Math.abs(qty) + 1e-9);
  }
  if (account.positionQty !== 0) expect(account.stopPrice, "a position without its stop").toBeGreaterThan(0);
  if (mode === "flatten" && before.mode !== "flatten") expect(account.positionQty).toBe(0);
  if (mode !== "armed" && before.mode !== "armed") {
    for (const fill of fills.slice(before.fills)) {
      const held = Math.abs(fill.positionQtyAfter - fill.qty);
      expect(Math.abs(fill.positionQtyAfter), "new risk under the kill switch").toBeLessThan(held);
    }
  }
  const cash = (await ledgerOf(run)).flatMap((row) => row.lines).filter((line) => line.account === "cash");
  expect(sum(cash.map((line) => line.amountUsd))).toBeCloseTo(account.balanceUsd, 6);
  expect(await runOf(run)).toMatchObject({ fills: fills.length, equityUsd: account.equityUsd });
}

afterEach(() => {
  vi.useRealTimers();
});

test("K-01, K-04, R-08: whatever operators, market and policy do, money adds up and the kill switch wins", async () => {
  // Leases of earlier runs would end on a busy machine, and their jobs come back into the queue.
  freezeDate();
  const desk = await openDesk();
  const version = await seedVersion(desk);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 24 }), fc.boolean(), async (steps, stops) => {
      await desk.admin.mutation(api.governance.console.arm, { reason: "a new random run" });
      const world: World = { desk, run: await beginRunOf(desk, version), index: -1, price: 2_000 };
      for (const next of stops ? [...steps, { kind: "stop" } as const] : steps) {
        const { mode } = await desk.viewer.query(api.governance.console.killSwitch, {});
        const before = { fills: (await fillsOf(world.run)).length, mode };
        await act(world, next);
        await check(world, before);
      }
      if (stops) expect((await accountOf(world.run)).account.positionQty).toBe(0);
      else await desk.operator.mutation(api.runs.console.stop, { runId: world.run.runId });
      const chain = await desk.viewer.query(api.audit.console.chain, { fromSequence: 0 });
      expect(verifyEntries(chain, CHAIN_START)).toMatchObject({ ok: true });
    }),
    { numRuns: 20 },
  );
});
