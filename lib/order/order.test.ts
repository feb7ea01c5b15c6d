import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientOrderId, isValidClientOrderId } from "./clientOrderId";
import { addFill, emptyFillBook, fillTotals, type OrderFill } from "./fillBook";
import {
  eventFromExchangeStatus,
  isLiveOrder,
  ORDER_EVENTS,
  ORDER_STATES,
  ORDER_TRANSITIONS,
  type OrderEvent,
  type OrderState,
  transitionOrder,
} from "./stateMachine";

describe("clientOrderId", () => {
  const identity = fc.record({
    runId: fc.string({ minLength: 1 }),
    barOpenTimeMs: fc.integer({ min: 0, max: 2 ** 45 }),
    action: fc.oneof(fc.integer({ min: 0, max: 2 }), fc.constant("flatten")),
  });

  it("is deterministic, distinct for distinct intents, and legal at the exchange", () => {
    fc.assert(
      fc.property(identity, identity, (a, b) => {
        expect(clientOrderId(a)).toBe(clientOrderId({ ...a }));
        expect(isValidClientOrderId(clientOrderId(a))).toBe(true);
        const isSame = a.runId === b.runId && a.barOpenTimeMs === b.barOpenTimeMs && a.action === b.action;
        expect(clientOrderId(a) === clientOrderId(b)).toBe(isSame);
      }),
    );
  });

  it("stays the same across releases: a changed id would break idempotency of orders in flight", () => {
    const id = clientOrderId({ runId: "run1", barOpenTimeMs: 1_751_328_000_000, action: 2 });
    expect(id).toBe("as808c780b209b3c2142650699f5307b5d");
  });

  it("refuses an identity that cannot be told apart", () => {
    expect(() => clientOrderId({ runId: "", barOpenTimeMs: 1, action: 0 })).toThrow(/runId/);
    expect(() => clientOrderId({ runId: "r", barOpenTimeMs: Number.NaN, action: 0 })).toThrow(
      /barOpenTimeMs/,
    );
  });
});

describe("order state machine", () => {
  it("answers every (state, event) pair, and only with known states", () => {
    for (const state of ORDER_STATES) {
      expect(Object.keys(ORDER_TRANSITIONS[state]).sort()).toEqual([...ORDER_EVENTS].sort());
      for (const event of ORDER_EVENTS) {
        const next = transitionOrder(state, event);
        if (next !== null) expect(ORDER_STATES).toContain(next);
      }
    }
  });

  it("turns a lost answer into unknown, never into failed or filled (O-01, O-07, O-08)", () => {
    for (const state of ["sent", "accepted", "partiallyFilled", "pendingCancel"] as const) {
      expect(transitionOrder(state, "loseOutcome")).toBe("unknown");
    }
    expect(isLiveOrder("unknown")).toBe(true);
    expect(transitionOrder("unknown", "accept")).toBe("accepted");
    expect(transitionOrder("unknown", "confirmAbsent")).toBe("notAccepted");
    expect(transitionOrder("sent", "confirmAbsent")).toBeNull();
  });

  it("lets a canceled order fill after all (F-01) and a filled one meet a late cancel (F-03)", () => {
    expect(transitionOrder("canceled", "fill")).toBe("filled");
    expect(transitionOrder("canceled", "partialFill")).toBe("canceled");
    expect(transitionOrder("filled", "cancel")).toBe("filled");
  });

  it("takes a fill before the ack (F-06) and a late fill on an order given up (F-07)", () => {
    expect(transitionOrder("sent", "partialFill")).toBe("partiallyFilled");
    expect(transitionOrder("partiallyFilled", "accept")).toBe("partiallyFilled");
    expect(transitionOrder("notAccepted", "fill")).toBe("filled");
  });

  it("refuses an over-fill (F-08) and any send that does not start from the intent", () => {
    expect(transitionOrder("filled", "fill")).toBeNull();
    expect(transitionOrder("filled", "partialFill")).toBeNull();
    for (const state of ORDER_STATES) {
      if (state !== "intended") expect(transitionOrder(state, "send")).toBeNull();
    }
  });

  it("never leaves filled, rejected or blocked, and never goes back to intended or sent", () => {
    const events = fc.array(fc.constantFrom(...ORDER_EVENTS), { maxLength: 30 });
    const sinks: OrderState[] = ["filled", "rejected", "blocked"];
    fc.assert(
      fc.property(events, (sequence: OrderEvent[]) => {
        let state: OrderState = "intended";
        for (const event of sequence) {
          const next = transitionOrder(state, event);
          if (next === null) continue;
          if (sinks.includes(state)) expect(next).toBe(state);
          if (next === "sent") expect(state).toBe("intended");
          expect(next).not.toBe("intended");
          state = next;
        }
      }),
    );
  });

  it("maps an unknown status word to a lost outcome, never to closed (O-10)", () => {
    expect(eventFromExchangeStatus("filled")).toBe("fill");
    expect(eventFromExchangeStatus("TRIGGERED")).toBe("loseOutcome");
    expect(eventFromExchangeStatus("")).toBe("loseOutcome");
  });
});

describe("fill book", () => {
  const fillArbitrary = fc.record({
    tradeId: fc.string({ minLength: 1, maxLength: 4 }),
    qty: fc.double({ min: 1e-4, max: 10, noNaN: true }),
    price: fc.double({ min: 1, max: 5_000, noNaN: true }),
  });
  const fills = fc.uniqueArray(fillArbitrary, { selector: (fill) => fill.tradeId, maxLength: 12 });
  const bookOf = (list: OrderFill[]) => list.reduce(addFill, emptyFillBook(20));

  it("gives the same bits for fills out of order and duplicated (F-04)", () => {
    const shuffled = fills.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray([...list, ...list], { minLength: 2 * list.length })),
    );
    fc.assert(
      fc.property(shuffled, ([list, doubled]) => {
        expect(fillTotals(bookOf(doubled))).toEqual(fillTotals(bookOf(list)));
      }),
    );
  });

  it("names an over-fill (F-08) and refuses the same trade with other numbers", () => {
    const book = addFill(emptyFillBook(1), { tradeId: "a", qty: 0.7, price: 100 });
    expect(fillTotals(book).status).toBe("open");
    expect(fillTotals(addFill(book, { tradeId: "b", qty: 0.3, price: 100 })).status).toBe("filled");
    expect(fillTotals(addFill(book, { tradeId: "b", qty: 0.4, price: 100 })).status).toBe("overfilled");
    expect(() => addFill(book, { tradeId: "a", qty: 0.6, price: 100 })).toThrow(/reported twice/);
    expect(() => addFill(book, { tradeId: "c", qty: Number.NaN, price: 100 })).toThrow(/both must be/);
  });
});
