/**
 * The life of one order as one exhaustive table: every (state, event) pair is either a next state or null, and
 * null is an invariant violation for the caller to raise. `unknown` is a state of its own: a lost answer is
 * neither failed nor filled until a reconciliation says which.
 */
export const ORDER_STATES = [
  "intended",
  "sent",
  "accepted",
  "partiallyFilled",
  "pendingCancel",
  "unknown",
  "filled",
  "canceled",
  "expired",
  "rejected",
  "notAccepted",
  "blocked",
] as const;
export type OrderState = (typeof ORDER_STATES)[number];

export const ORDER_EVENTS = [
  /** Refused by ourselves between intent and send (kill switch, lost lease, stale decision). */
  "block",
  "send",
  "accept",
  "reject",
  /** Timeout, transport error, unreadable answer or a status we do not know. */
  "loseOutcome",
  "partialFill",
  "fill",
  "requestCancel",
  "cancel",
  "expire",
  /** Reconciliation proved that the exchange never took it. */
  "confirmAbsent",
] as const;
export type OrderEvent = (typeof ORDER_EVENTS)[number];

type Row = Record<OrderEvent, OrderState | null>;

const ILLEGAL: Row = {
  block: null,
  send: null,
  accept: null,
  reject: null,
  loseOutcome: null,
  partialFill: null,
  fill: null,
  requestCancel: null,
  cancel: null,
  expire: null,
  confirmAbsent: null,
};

/** What the exchange can still tell us about an order that it may hold. */
const REPORTS = {
  partialFill: "partiallyFilled",
  fill: "filled",
  cancel: "canceled",
  expire: "expired",
  loseOutcome: "unknown",
} as const;

export const ORDER_TRANSITIONS: Readonly<Record<OrderState, Row>> = {
  intended: { ...ILLEGAL, block: "blocked", send: "sent" },
  sent: { ...ILLEGAL, ...REPORTS, accept: "accepted", reject: "rejected", requestCancel: "pendingCancel" },
  accepted: { ...ILLEGAL, ...REPORTS, accept: "accepted", requestCancel: "pendingCancel" },
  // The ack may arrive after the first fill (F-06).
  partiallyFilled: {
    ...ILLEGAL,
    ...REPORTS,
    accept: "partiallyFilled",
    requestCancel: "pendingCancel",
  },
  // A refused cancel leaves the order as the next report says; "accept" means "still open".
  pendingCancel: {
    ...ILLEGAL,
    ...REPORTS,
    partialFill: "pendingCancel",
    accept: "accepted",
    reject: "rejected",
    requestCancel: "pendingCancel",
  },
  unknown: {
    ...ILLEGAL,
    ...REPORTS,
    accept: "accepted",
    reject: "rejected",
    requestCancel: "unknown",
    confirmAbsent: "notAccepted",
  },
  // A cancel of a filled order is answered "already filled" (F-03); late reports change nothing.
  filled: { ...ILLEGAL, accept: "filled", requestCancel: "filled", cancel: "filled", loseOutcome: "filled" },
  // A cancel can lose the race: canceled orders may gain fills (F-01).
  canceled: {
    ...ILLEGAL,
    accept: "canceled",
    requestCancel: "canceled",
    cancel: "canceled",
    loseOutcome: "canceled",
    partialFill: "canceled",
    fill: "filled",
  },
  expired: {
    ...ILLEGAL,
    accept: "expired",
    requestCancel: "expired",
    expire: "expired",
    loseOutcome: "expired",
    partialFill: "expired",
    fill: "filled",
  },
  rejected: { ...ILLEGAL, reject: "rejected", requestCancel: "rejected", loseOutcome: "rejected" },
  // Late evidence that it was taken after all: booked, and an incident for the caller (F-07).
  notAccepted: {
    ...ILLEGAL,
    accept: "accepted",
    partialFill: "partiallyFilled",
    fill: "filled",
    requestCancel: "notAccepted",
    confirmAbsent: "notAccepted",
  },
  blocked: { ...ILLEGAL, block: "blocked", requestCancel: "blocked" },
};

/** The next state, or null when the event cannot happen in this state (raise it as an invariant violation). */
export function transitionOrder(state: OrderState, event: OrderEvent): OrderState | null {
  return ORDER_TRANSITIONS[state][event];
}

const LIVE: ReadonlySet<OrderState> = new Set([
  "intended",
  "sent",
  "accepted",
  "partiallyFilled",
  "pendingCancel",
  "unknown",
]);

/** True while the order may still change the position: it counts in the worst-case exposure (K-05). */
export function isLiveOrder(state: OrderState): boolean {
  return LIVE.has(state);
}

/** Maps an exchange's status word to an event; anything that is not listed loses the outcome (O-10). */
export function eventFromExchangeStatus(status: string): OrderEvent {
  return STATUS_EVENTS.get(status.toUpperCase()) ?? "loseOutcome";
}

const STATUS_EVENTS: ReadonlyMap<string, OrderEvent> = new Map([
  ["NEW", "accept"],
  ["PENDING", "accept"],
  ["WORKING", "accept"],
  ["PARTIALLY_FILLED", "partialFill"],
  ["FILLED", "fill"],
  ["CANCELED", "cancel"],
  ["CANCELLED", "cancel"],
  ["EXPIRED", "expire"],
  ["REJECTED", "reject"],
]);
