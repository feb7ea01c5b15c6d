"use client";
import { parseDay } from "../format";
import { Field } from "../ui/Field";

/** Two UTC days as typed, yyyy-mm-dd; `to` is not included. */
export interface Days {
  from: string;
  to: string;
}

/** What to tell a person whose days do not parse. */
export const DAYS_PROBLEM = "Give both days as yyyy-mm-dd";

/** Both midnights in UTC milliseconds, or null when one of the days is not of the calendar. */
export function parseDays({ from, to }: Days): { fromMs: number; toMs: number } | null {
  const fromMs = parseDay(from);
  const toMs = parseDay(to);
  return fromMs === null || toMs === null ? null : { fromMs, toMs };
}

interface DayRangeProps {
  value: Days;
  onChange: (days: Days) => void;
  /** Prefix of the inputs' test ids. */
  testId?: string;
}

/** The two day fields of every form that asks for a range of bars. */
export function DayRange({ value, onChange, testId }: DayRangeProps) {
  const idOf = (end: string) => (testId === undefined ? undefined : `${testId}-${end}`);
  return (
    <>
      <Field label="From" hint="UTC day">
        <input
          className="field"
          type="date"
          value={value.from}
          onChange={(event) => onChange({ ...value, from: event.target.value })}
          data-testid={idOf("from")}
        />
      </Field>
      <Field label="To" hint="UTC day, not included">
        <input
          className="field"
          type="date"
          value={value.to}
          onChange={(event) => onChange({ ...value, to: event.target.value })}
          data-testid={idOf("to")}
        />
      </Field>
    </>
  );
}
