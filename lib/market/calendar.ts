import type { SessionCalendar } from "./types";

/**
 * When an instrument is expected to print bars.
 *
 * `metals` is the week of spot gold and its futures: open from Sunday 18:00 to Friday 17:00 New York time,
 * closed each day from 17:00 to 18:00. So every session lasts 23 hours and starts at 18:00 on Sunday to
 * Thursday. Exchange holidays and early closes are not in the calendar; they show up as missing bars.
 *
 * New York's clock follows the US rule: since 2007 daylight time runs from the second Sunday of March to
 * the first Sunday of November, before (1987-2006, applied to all earlier years) from the first Sunday of
 * April to the last Sunday of October. The change falls at 02:00 on a Sunday, when the market is closed.
 */
export interface Session {
  /** First open instant. */
  startMs: number;
  /** First closed instant after it. */
  endMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SESSION_OPEN_HOUR = 18;
const SESSION_MS = 23 * HOUR_MS;

/** Milliseconds to add to UTC to get New York's wall clock. */
export function newYorkOffsetMs(timeMs: number): number {
  const year = new Date(timeMs).getUTCFullYear();
  const { startMs, endMs } = daylightTime(year);
  return timeMs >= startMs && timeMs < endMs ? -4 * HOUR_MS : -5 * HOUR_MS;
}

const daylightByYear = new Map<number, Session>();

function daylightTime(year: number): Session {
  let bounds = daylightByYear.get(year);
  if (bounds === undefined) {
    const modern = year >= 2007;
    const startDay = modern ? nthSunday(year, 2, 2) : nthSunday(year, 3, 1);
    const endDay = modern ? nthSunday(year, 10, 1) : nthSunday(year, 10, 1) - 7 * DAY_MS;
    bounds = { startMs: startDay + 7 * HOUR_MS, endMs: endDay + 6 * HOUR_MS };
    daylightByYear.set(year, bounds);
  }
  return bounds;
}

/** 00:00 UTC of the nth Sunday of a month (0 = January). */
function nthSunday(year: number, month: number, n: number): number {
  const first = Date.UTC(year, month, 1);
  const daysToSunday = (7 - new Date(first).getUTCDay()) % 7;
  return first + (daysToSunday + 7 * (n - 1)) * DAY_MS;
}

/**
 * The open sessions that overlap [fromMs, toMs), in order. `always` is one endless session.
 * A metals session is not cut at the bounds.
 */
export function* sessionsBetween(
  calendar: SessionCalendar,
  fromMs: number,
  toMs: number,
): Generator<Session> {
  if (!(fromMs < toMs)) return;
  if (calendar === "always") {
    yield { startMs: Number.NEGATIVE_INFINITY, endMs: Number.POSITIVE_INFINITY };
    return;
  }
  // Two days back covers a session that began on the New York day before `fromMs`.
  for (let day = Math.floor(fromMs / DAY_MS) * DAY_MS - 2 * DAY_MS; day < toMs; day += DAY_MS) {
    const weekday = new Date(day).getUTCDay();
    if (weekday > 4) continue; // no session starts on a Friday or Saturday
    // The clock never changes between 12:00 and 18:00, so the offset at noon is that of the opening.
    const startMs = day + SESSION_OPEN_HOUR * HOUR_MS - newYorkOffsetMs(day + 12 * HOUR_MS);
    const endMs = startMs + SESSION_MS;
    if (endMs > fromMs && startMs < toMs) yield { startMs, endMs };
  }
}

/** Longer than any stretch without a session's start: a weekend. */
const LONGEST_SEARCH_MS = 5 * DAY_MS;

/**
 * The closed hours [startMs, endMs) that hold `timeMs`, or else the next ones; null for a market that never closes.
 * Known from the calendar alone, so a decision may look ahead to it.
 */
export function closedHoursFrom(calendar: SessionCalendar, timeMs: number): Session | null {
  if (calendar === "always") return null;
  let previousEndMs = Number.NEGATIVE_INFINITY;
  const searched = sessionsBetween(calendar, timeMs - LONGEST_SEARCH_MS, timeMs + LONGEST_SEARCH_MS);
  for (const { startMs, endMs } of searched) {
    if (startMs > timeMs) return { startMs: previousEndMs, endMs: startMs };
    previousEndMs = endMs;
  }
  return null;
}

/** True when a bar of `barMs` that opens at `openTimeMs` overlaps an open session. */
export function isExpectedOpen(calendar: SessionCalendar, openTimeMs: number, barMs: number): boolean {
  return !sessionsBetween(calendar, openTimeMs, openTimeMs + barMs).next().done;
}

/** Slots [first, last) of `stepMs` (numbers since the epoch) in [fromMs, toMs) that overlap a session. */
export function* openSlots(
  calendar: SessionCalendar,
  fromMs: number,
  toMs: number,
  stepMs: number,
): Generator<{ first: number; last: number }> {
  const begin = Math.ceil(fromMs / stepMs);
  const end = Math.ceil(toMs / stepMs);
  let next = begin;
  for (const session of sessionsBetween(calendar, begin * stepMs, end * stepMs)) {
    // A long slot may overlap two sessions; `next` keeps it from being counted twice.
    const first = Math.max(next, Math.floor(session.startMs / stepMs));
    const last = Math.min(end, Math.ceil(session.endMs / stepMs));
    if (first >= last) continue;
    yield { first, last };
    next = last;
  }
}

/**
 * Guesses the calendar of ascending open times: `metals` when the span contains closed metals hours and
 * fewer than 10 % of their slots hold a bar, else `always`. Stray bars of a broker do not change the answer.
 */
export function detectCalendar(openTimesMs: Float64Array): SessionCalendar {
  const rows = openTimesMs.length;
  if (rows < 2) return "always";
  let stepMs = Number.POSITIVE_INFINITY;
  for (let i = 1; i < rows; i++) stepMs = Math.min(stepMs, openTimesMs[i]! - openTimesMs[i - 1]!);
  const fromMs = openTimesMs[0]!;
  const toMs = openTimesMs[rows - 1]! + stepMs;
  let expected = 0;
  let present = 0;
  let i = 0;
  for (const { first, last } of openSlots("metals", fromMs, toMs, stepMs)) {
    expected += last - first;
    while (i < rows && openTimesMs[i]! < first * stepMs) i++;
    const start = i;
    while (i < rows && openTimesMs[i]! < last * stepMs) i++;
    present += i - start;
  }
  const closed = Math.round((toMs - fromMs) / stepMs) - expected;
  return closed > 0 && rows - present < closed * 0.1 ? "metals" : "always";
}
