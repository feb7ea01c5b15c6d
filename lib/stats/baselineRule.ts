import type { BaselineName } from "./reportTypes";
import type { Trade } from "./trades";

/**
 * What contradicts the rule of a baseline in its trades, as a sentence; null when nothing does. Momentum and
 * random decide on prices and chance that trades do not show; of them only the arithmetic can be checked.
 */
export function baselineProblem(
  name: BaselineName,
  trades: readonly Trade[],
  openTimesMs: ArrayLike<number>,
): string | null {
  if (name === "flat") return trades.length === 0 ? null : `flat has ${trades.length} trades`;
  if (name !== "buyAndHold") return null;
  const [first, last] = [trades[0], trades.at(-1)];
  const isLong = trades.every(({ side }) => side === "long");
  const isFromTheStart = first !== undefined && first.entryTimeMs <= openTimesMs[1]!;
  const isToTheEnd =
    last !== undefined &&
    (last.exitReason !== "order" || last.exitTimeMs >= openTimesMs[openTimesMs.length - 1]!);
  return isLong && isFromTheStart && isToTheEnd
    ? null
    : "buyAndHold is not one long position from first to last bar";
}
