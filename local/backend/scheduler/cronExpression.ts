/** The values each of the five fields admits; a day matches by either field when both are restricted, as in cron. */
export interface CronExpression {
  minutes: Set<number>;
  hours: Set<number>;
  daysOfMonth: Set<number>;
  months: Set<number>;
  daysOfWeek: Set<number>;
  anyDayOfMonth: boolean;
  anyDayOfWeek: boolean;
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

function parseNumber(text: string, names: string[], firstName: number): number {
  const named = names.indexOf(text.slice(0, 3).toLowerCase());
  return named >= 0 ? named + firstName : /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function parseField(field: string, min: number, max: number, names: string[] = []): Set<number> {
  const values = new Set<number>();
  for (const part of field.split(",")) {
    const [span, stepText] = part.split("/", 2) as [string, string | undefined];
    const step = stepText === undefined ? 1 : Number(stepText);
    const [lowText, highText] =
      span === "*" ? [String(min), String(max)] : (span.split("-", 2) as [string, string?]);
    const low = parseNumber(lowText, names, min);
    const high =
      highText !== undefined ? parseNumber(highText, names, min) : stepText === undefined ? low : max;
    if (!(low >= min && high <= max && low <= high && Number.isInteger(step) && step > 0)) {
      throw new Error(`Cron field ${JSON.stringify(field)} is not within ${min}-${max}.`);
    }
    for (let value = low; value <= high; value += step) values.add(value);
  }
  return values;
}

/** Parses five cron fields (minute, hour, day of month, month, day of week) with lists, ranges, steps and names. */
export function parseCronExpression(text: string): CronExpression {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== 5) throw new Error(`Cron expression ${JSON.stringify(text)} needs five fields.`);
  const [minute, hour, dayOfMonth, month, dayOfWeek] = fields as [string, string, string, string, string];
  const daysOfWeek = parseField(dayOfWeek.replaceAll("?", "*"), 0, 7, DAYS);
  if (daysOfWeek.has(7)) daysOfWeek.add(0);
  return {
    minutes: parseField(minute, 0, 59),
    hours: parseField(hour, 0, 23),
    daysOfMonth: parseField(dayOfMonth.replaceAll("?", "*"), 1, 31),
    months: parseField(month, 1, 12, MONTHS),
    daysOfWeek,
    anyDayOfMonth: /^[*?]/.test(dayOfMonth),
    anyDayOfWeek: /^[*?]/.test(dayOfWeek),
  };
}

function dayMatches(cron: CronExpression, date: Date): boolean {
  const byMonth = cron.daysOfMonth.has(date.getUTCDate());
  const byWeek = cron.daysOfWeek.has(date.getUTCDay());
  return cron.anyDayOfMonth || cron.anyDayOfWeek ? byMonth && byWeek : byMonth || byWeek;
}

const YEARS_AHEAD = 30;

/** First whole minute strictly after `afterMs` that the expression admits, in UTC. Throws when there is none. */
export function nextCronTimeMs(cron: CronExpression, afterMs: number): number {
  const date = new Date(Math.floor(afterMs / 60_000) * 60_000 + 60_000);
  const lastYear = date.getUTCFullYear() + YEARS_AHEAD;
  while (date.getUTCFullYear() <= lastYear) {
    if (!cron.months.has(date.getUTCMonth() + 1)) {
      date.setUTCMonth(date.getUTCMonth() + 1, 1);
      date.setUTCHours(0, 0);
    } else if (!dayMatches(cron, date)) {
      date.setUTCDate(date.getUTCDate() + 1);
      date.setUTCHours(0, 0);
    } else if (!cron.hours.has(date.getUTCHours())) date.setUTCHours(date.getUTCHours() + 1, 0);
    else if (!cron.minutes.has(date.getUTCMinutes())) date.setUTCMinutes(date.getUTCMinutes() + 1);
    else return date.getTime();
  }
  throw new Error("The cron expression matches no date in the next 30 years.");
}
