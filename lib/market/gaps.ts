import { openSlots } from "./calendar";
import { lowerBound } from "./columns";
import { timeframeMs } from "./timeframe";
import type { CoverageReport, Gap, GapCause, SessionCalendar, Timeframe } from "./types";

const OK_COVERAGE_PCT = 97;
const DEGRADED_COVERAGE_PCT = 90;
const HOUR_MS = 3_600_000;

/**
 * Holes between stored bars. A hole in which the calendar expects no bar is one gap of cause `weekend`
 * (longer than 2 hours) or `dailyBreak`; any other hole is one gap of cause `missing`, whose `missingBars`
 * counts only the slots in which the market was expected open. `openTimesMs` ascends and is aligned.
 * One pass over the times; the calendar is asked only at holes.
 */
export function findGaps(openTimesMs: Float64Array, timeframe: Timeframe, calendar: SessionCalendar): Gap[] {
  const step = timeframeMs(timeframe);
  const gaps: Gap[] = [];
  for (let i = 1; i < openTimesMs.length; i++) {
    const fromMs = openTimesMs[i - 1]! + step;
    const toMs = openTimesMs[i]!;
    if (toMs > fromMs) gaps.push(describeHole(fromMs, toMs, step, calendar));
  }
  return gaps;
}

function describeHole(fromMs: number, toMs: number, step: number, calendar: SessionCalendar): Gap {
  const expected = countExpected(fromMs, toMs, step, calendar);
  if (expected > 0) return { fromMs, toMs, missingBars: expected, cause: "missing" };
  const cause: GapCause = toMs - fromMs > 2 * HOUR_MS ? "weekend" : "dailyBreak";
  return { fromMs, toMs, missingBars: 0, cause };
}

function countExpected(fromMs: number, toMs: number, step: number, calendar: SessionCalendar): number {
  let slots = 0;
  for (const { first, last } of openSlots(calendar, fromMs, toMs, step)) slots += last - first;
  return slots;
}

/**
 * How complete the bars of [fromMs, toMs) are. Expected are the slots that overlap an open session; a bar
 * outside them counts neither way. Missing stretches at both ends are gaps too. Holidays are not in the
 * calendar, so full gold data reaches about 98 %: `ok` from 97 %, `degraded` from 90 %, else (or when
 * nothing is expected) `failed`.
 */
export function coverage(
  openTimesMs: Float64Array,
  timeframe: Timeframe,
  calendar: SessionCalendar,
  fromMs: number,
  toMs: number,
): CoverageReport {
  const step = timeframeMs(timeframe);
  const end = lowerBound(openTimesMs, toMs);
  let expectedBars = 0;
  let presentBars = 0;
  let i = lowerBound(openTimesMs, fromMs);
  let gaps = 0;
  let previousEnd = Math.ceil(fromMs / step) * step;
  for (let j = i; j <= end; j++) {
    const next = j < end ? openTimesMs[j]! : Math.ceil(toMs / step) * step;
    if (next > previousEnd && countExpected(previousEnd, next, step, calendar) > 0) gaps++;
    previousEnd = next + step;
  }
  for (const { first, last } of openSlots(calendar, fromMs, toMs, step)) {
    expectedBars += last - first;
    while (i < end && openTimesMs[i]! < first * step) i++;
    const start = i;
    while (i < end && openTimesMs[i]! < last * step) i++;
    presentBars += i - start;
  }
  const coveragePct = expectedBars === 0 ? 0 : (100 * presentBars) / expectedBars;
  const verdict =
    coveragePct >= OK_COVERAGE_PCT ? "ok" : coveragePct >= DEGRADED_COVERAGE_PCT ? "degraded" : "failed";
  return { expectedBars, presentBars, coveragePct, gaps, missingBars: expectedBars - presentBars, verdict };
}
