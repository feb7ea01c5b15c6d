import { returnsFromEquity } from "./returns";

/** Convention of every figure over days; stored beside it. */
export const DAILY_CONVENTION = "simple-daily-returns/utc-days-with-bars/no-risk-free/ddof1";

const DAY_MS = 86_400_000;

/** One value a UTC day that has bars. */
export interface DailyReturns {
  /** Start of each day, ascending. */
  dayMs: number[];
  returns: number[];
}

/**
 * Daily simple returns of an equity series sampled at bar open times (same length, ascending): the last equity of
 * a day over the last of the day before; the first day starts at the first value.
 */
export function dailyReturns(openTimesMs: ArrayLike<number>, equityUsd: ArrayLike<number>): DailyReturns {
  if (openTimesMs.length !== equityUsd.length) {
    throw new RangeError(
      `${equityUsd.length} equity values for ${openTimesMs.length} times; give one for each.`,
    );
  }
  const dayMs: number[] = [];
  const closes: number[] = equityUsd.length > 0 ? [equityUsd[0]!] : [];
  for (let i = 0; i < openTimesMs.length; i++) {
    const day = Math.floor(openTimesMs[i]! / DAY_MS) * DAY_MS;
    if (dayMs.at(-1) !== day) {
      dayMs.push(day);
      closes.push(equityUsd[i]!);
    } else closes[closes.length - 1] = equityUsd[i]!;
  }
  return { dayMs, returns: [...returnsFromEquity(closes)] };
}

/**
 * Slices that follow each other as one series. Two slices that share a day (a fold that ends within it) compound
 * into that day's return. Throws when a slice starts before the one before it has ended.
 */
export function joinDailyReturns(slices: readonly DailyReturns[]): DailyReturns {
  const dayMs: number[] = [];
  const returns: number[] = [];
  for (const slice of slices) {
    for (const [i, day] of slice.dayMs.entries()) {
      const last = dayMs.at(-1);
      if (last !== undefined && day < last) throw new RangeError("The slices overlap in time; order them.");
      if (last === day) {
        returns[returns.length - 1] = (1 + returns.at(-1)!) * (1 + slice.returns[i]!) - 1;
      } else {
        dayMs.push(day);
        returns.push(slice.returns[i]!);
      }
    }
  }
  return { dayMs, returns };
}
