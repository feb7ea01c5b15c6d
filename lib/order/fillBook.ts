/**
 * Fills of one order, unique by trade id: what is filled does not depend on the order in which reports arrive,
 * nor on how often (F-04).
 */
export interface OrderFill {
  tradeId: string;
  /** Unsigned base quantity. */
  qty: number;
  price: number;
}

export interface FillBook {
  orderQty: number;
  fills: readonly OrderFill[];
}

export interface FillTotals {
  filledQty: number;
  averagePrice: number;
  status: "open" | "filled" | "overfilled";
}

/** Quantities are compared with this relative slack, far below any lot step. */
const QTY_SLACK = 1e-9;

/** An order of unsigned `orderQty` without fills. Throws when the quantity is not finite and positive. */
export function emptyFillBook(orderQty: number): FillBook {
  if (!Number.isFinite(orderQty) || orderQty <= 0) {
    throw new RangeError(`orderQty must be finite and > 0, got ${orderQty}.`);
  }
  return { orderQty, fills: [] };
}

/**
 * Adds a fill; a trade id already present changes nothing. Throws on a non-finite or non-positive number, and on a
 * known trade id with other numbers, which means that one of the two reports is wrong.
 */
export function addFill(book: FillBook, fill: OrderFill): FillBook {
  if (!Number.isFinite(fill.qty) || fill.qty <= 0 || !Number.isFinite(fill.price) || fill.price <= 0) {
    throw new RangeError(
      `Fill ${fill.tradeId} has qty ${fill.qty} and price ${fill.price}; both must be > 0.`,
    );
  }
  const known = book.fills.find((other) => other.tradeId === fill.tradeId);
  if (known !== undefined) {
    if (known.qty === fill.qty && known.price === fill.price) return book;
    throw new RangeError(
      `Fill ${fill.tradeId} was reported twice with different numbers; reconcile the order.`,
    );
  }
  const fills = [...book.fills, fill].sort((a, b) => (a.tradeId < b.tradeId ? -1 : 1));
  return { orderQty: book.orderQty, fills };
}

/** Sums in trade-id order, so the bits are the same whatever the order of arrival. */
export function fillTotals(book: FillBook): FillTotals {
  let filledQty = 0;
  let notional = 0;
  for (const fill of book.fills) {
    filledQty += fill.qty;
    notional += fill.qty * fill.price;
  }
  const slack = book.orderQty * QTY_SLACK;
  const isFull = filledQty >= book.orderQty - slack;
  const status = filledQty > book.orderQty + slack ? "overfilled" : isFull ? "filled" : "open";
  return { filledQty, averagePrice: filledQty > 0 ? notional / filledQty : 0, status };
}
