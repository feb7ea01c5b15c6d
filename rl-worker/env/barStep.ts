import { advanceBarInPlace } from "../../lib/broker/advanceBar";
import type { AccountState, BrokerEvent } from "../../lib/broker/types";
import type { Candle } from "../../lib/market/types";
import { planOrder } from "../../lib/order/planOrder";
import type { EnvSpec } from "./envSpec";

/** Action index to target position: 0 short, 1 flat, 2 long. */
export const ACTION_COUNT = 3;

export interface BarStepInput {
  /** Moved in place. */
  account: AccountState;
  /** What happens is appended here. */
  events: BrokerEvent[];
  /** Action index decided at the close of the decision bar; null holds: no order, whatever the position is. */
  action: number | null;
  /** Close of the decision bar. */
  referencePrice: number;
  /** ATR(14) of the decision bar. */
  atr: number;
  /** The bar after the decision bar: the order fills at its open. */
  nextBar: Candle;
  /** An order is named after the run and its decision bar: `<prefix>-<open time>`. */
  orderPrefix: string;
  fundingRateAt?: (timeMs: number) => number;
}

/**
 * One decision carried through: plan at the close of t, fill and mark on t+1. The training environment and the
 * backtest both step with this, so a reward and a report can never come from different money.
 * Throws on an action that is not 0, 1, 2 or null.
 */
export function stepBar(spec: EnvSpec, input: BarStepInput): void {
  const { account, events, action, orderPrefix } = input;
  if (action !== null && action !== 0 && action !== 1 && action !== 2) {
    throw new RangeError(`Action must be 0 (short), 1 (flat) or 2 (long), got ${action}.`);
  }
  const plan =
    action === null
      ? null
      : planOrder({
          account,
          targetPosition: action - 1,
          referencePrice: input.referencePrice,
          atr: input.atr,
          sizing: spec.sizing,
          rules: spec.rules,
          clientOrderId: orderPrefix,
        });
  const order = plan !== null && "order" in plan ? plan.order : null;
  // Only now: most bars have no order, and a name for each would be a quarter of a backtest's time.
  if (order !== null) order.clientOrderId = `${orderPrefix}-${account.lastBarOpenTimeMs}`;
  advanceBarInPlace(account, events, order, input.nextBar, spec.costs, spec.rules, input.fundingRateAt);
}
