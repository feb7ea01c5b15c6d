import { newYorkOffsetMs } from "../market/calendar";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Milliseconds to add to UTC to get London's wall clock: summer time from 01:00 UTC on the last Sunday of
 * March to 01:00 UTC on the last Sunday of October (the rule since 1996, applied to every year).
 */
export function londonOffsetMs(timeMs: number): number {
  const year = new Date(timeMs).getUTCFullYear();
  const summer = timeMs >= lastSunday(year, 2) + HOUR_MS && timeMs < lastSunday(year, 9) + HOUR_MS;
  return summer ? HOUR_MS : 0;
}

/** 00:00 UTC of the last Sunday of a month of 31 days (0 = January). */
function lastSunday(year: number, month: number): number {
  const last = Date.UTC(year, month, 31);
  return last - new Date(last).getUTCDay() * DAY_MS;
}

const TOKYO_OFFSET_MS = 9 * HOUR_MS;

export const SESSION_NAMES = ["tokyo", "london", "newYork"] as const;

/**
 * 1 while a bar opens in the business day of the place, else 0. Local hours, daylight saving included:
 * Tokyo 09:00-18:00, London 08:00-17:00, New York 08:00-17:00, Monday to Friday.
 */
export function sessionFlag(session: number, openTimeMs: number): number {
  switch (session) {
    case 0:
      return inBusinessHours(openTimeMs + TOKYO_OFFSET_MS, 9, 18);
    case 1:
      return inBusinessHours(openTimeMs + londonOffsetMs(openTimeMs), 8, 17);
    case 2:
      return inBusinessHours(openTimeMs + newYorkOffsetMs(openTimeMs), 8, 17);
    default:
      throw new RangeError(`session ${session} is not one of 0 ${SESSION_NAMES.join(", ")}`);
  }
}

function inBusinessHours(localMs: number, fromHour: number, toHour: number): number {
  const weekday = (Math.floor(localMs / DAY_MS) + 4) % 7; // 1970-01-01 was a Thursday
  if (weekday === 0 || weekday === 6) return 0;
  const hour = (localMs % DAY_MS) / HOUR_MS;
  return hour >= fromHour && hour < toHour ? 1 : 0;
}
