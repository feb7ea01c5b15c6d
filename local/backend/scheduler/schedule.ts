import { nextCronTimeMs, parseCronExpression } from "./cronExpression";

type Schedule = { type: string } & Record<string, number | string>;

const UNIT_MS = { seconds: 1_000, minutes: 60_000, hours: 3_600_000 } as const;
const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

function intervalMs(schedule: Schedule): number {
  for (const [unit, ms] of Object.entries(UNIT_MS)) {
    if (unit in schedule) return Number(schedule[unit]) * ms;
  }
  throw new Error(`A cron interval needs seconds, minutes or hours: ${JSON.stringify(schedule)}`);
}

/** Five-field cron text of a calendar schedule; a missing minute takes the given one, which spreads runs within the hour. */
function expressionOf(schedule: Schedule, minute: number): string {
  const at = schedule.minuteUTC ?? minute;
  switch (schedule.type) {
    case "cron":
      return String(schedule.cron);
    case "hourly":
      return `${at} * * * *`;
    case "daily":
      return `${at} ${schedule.hourUTC} * * *`;
    case "weekly":
      return `${at} ${schedule.hourUTC} * * ${WEEKDAYS.indexOf(String(schedule.dayOfWeek))}`;
    case "monthly":
      return `${at} ${schedule.hourUTC} ${schedule.day} * *`;
    default:
      throw new Error(`Unknown cron schedule ${JSON.stringify(schedule)}`);
  }
}

/**
 * The first run time after `nowMs` (ms since the epoch). Intervals count from the previous run and first run at once;
 * calendar schedules are UTC. Times that have passed are skipped.
 */
export function nextRunMs(
  schedule: Schedule,
  previousMs: number | null,
  nowMs: number,
  minute: number,
): number {
  if (schedule.type !== "interval")
    return nextCronTimeMs(parseCronExpression(expressionOf(schedule, minute)), nowMs);
  if (previousMs === null) return nowMs;
  const step = intervalMs(schedule);
  const missed = Math.max(0, Math.floor((nowMs - previousMs) / step));
  return previousMs + (missed + 1) * step;
}
