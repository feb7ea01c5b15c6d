import type { SessionCalendar } from "../../../lib/market/types";

/**
 * The trading day as this simulated market keeps it. The exchange decides its own hours, as a real venue does;
 * the desk under test has its own calendar and must agree with what it is shown.
 */

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/** UTC minus New York time, in hours: 4 in daylight time (second Sunday of March to first Sunday of November), else 5. */
export function newYorkOffsetHours(timeMs: number): 4 | 5 {
  const year = new Date(timeMs).getUTCFullYear();
  const start = nthSundayMs(year, 2, 2) + 7 * HOUR_MS;
  const end = nthSundayMs(year, 10, 1) + 6 * HOUR_MS;
  return timeMs >= start && timeMs < end ? 4 : 5;
}

function nthSundayMs(year: number, month: number, nth: number): number {
  const first = Date.UTC(year, month, 1);
  const toSunday = (7 - new Date(first).getUTCDay()) % 7;
  return first + (toSunday + 7 * (nth - 1)) * DAY_MS;
}

/** Whether a bar that opens at `openTimeMs` trades. Metals rest daily 17:00-18:00 New York, and from Friday 17:00 to Sunday 18:00. */
export function isTrading(calendar: SessionCalendar, openTimeMs: number): boolean {
  if (calendar === "always") return true;
  const local = new Date(openTimeMs - newYorkOffsetHours(openTimeMs) * HOUR_MS);
  const day = local.getUTCDay();
  const hour = local.getUTCHours();
  if (day === 6) return false;
  if (day === 5) return hour < 17;
  if (day === 0) return hour >= 18;
  return hour !== 17;
}

/** Volatility by UTC hour relative to the day's mean: quiet late evening, Tokyo, London open, New York peak. */
const VOLATILITY_BY_HOUR = [
  0.75, 0.85, 0.8, 0.7, 0.65, 0.65, 0.8, 1.05, 1.15, 1.05, 0.95, 0.95, 1.3, 1.65, 1.75, 1.55, 1.25, 1.0, 0.9,
  0.8, 0.7, 0.45, 0.45, 0.6,
];

/** Volatility multiplier of a minute: the session profile, interpolated, and the thin weekend. */
export function volatilityProfile(timeMs: number): number {
  const hours = (timeMs % DAY_MS) / HOUR_MS;
  const from = Math.floor(hours);
  const a = VOLATILITY_BY_HOUR[from]!;
  const b = VOLATILITY_BY_HOUR[(from + 1) % 24]!;
  const session = a + (b - a) * (hours - from);
  return isTrading("metals", timeMs) ? session : 0.22 * session ** 0.5;
}

/** Open time of the minute in which the day's 08:30 New York data releases fall (12:30 or 13:30 UTC). */
export function releaseMinuteMs(dayStartMs: number): number {
  return dayStartMs + (8.5 + newYorkOffsetHours(dayStartMs + 12 * HOUR_MS)) * HOUR_MS;
}
