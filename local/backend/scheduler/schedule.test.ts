import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nextCronTimeMs, parseCronExpression } from "./cronExpression";
import { nextRunMs } from "./schedule";

const at = (text: string) => Date.parse(`${text}Z`);

describe("cron schedules", () => {
  it.each([
    [{ type: "hourly", minuteUTC: 5 }, "2026-11-20T10:05:00", "2026-11-20T11:05:00"],
    [{ type: "daily", hourUTC: 3, minuteUTC: 30 }, "2026-11-20T10:00:00", "2026-11-21T03:30:00"],
    [
      { type: "weekly", dayOfWeek: "monday", hourUTC: 3, minuteUTC: 1 },
      "2026-11-20T10:00:00",
      "2026-11-23T03:01:00",
    ],
    [{ type: "monthly", day: 31, hourUTC: 3, minuteUTC: 1 }, "2026-11-20T10:00:00", "2026-12-31T03:01:00"],
    [{ type: "cron", cron: "*/15 9-17 * * 1-5" }, "2026-11-20T17:45:00", "2026-11-23T09:00:00"],
    [{ type: "cron", cron: "0 0 29 feb *" }, "2026-11-20T00:00:00", "2028-02-29T00:00:00"],
    [{ type: "cron", cron: "0 0 1 * sun" }, "2026-11-20T00:00:00", "2026-11-22T00:00:00"],
    [{ type: "cron", cron: "0 12 * * 7" }, "2026-11-20T00:00:00", "2026-11-22T12:00:00"],
  ])("%j after %s runs at %s", (schedule, now, next) => {
    expect(nextRunMs(schedule as never, null, at(now), 0)).toBe(at(next));
  });

  it("run an interval at once, then at whole steps, and skip the steps that were missed", () => {
    const schedule = { type: "interval", minutes: 5 };
    expect(nextRunMs(schedule, null, 1_000, 0)).toBe(1_000);
    expect(nextRunMs(schedule, 1_000, 1_500, 0)).toBe(301_000);
    expect(nextRunMs(schedule, 1_000, 1_000_000, 0)).toBe(1_201_000);
  });

  it("always lie after now, at a whole minute", () => {
    const cron = parseCronExpression("7,37 */3 * * *");
    fc.assert(
      fc.property(fc.integer({ min: at("2020-01-01T00:00:00"), max: at("2040-01-01T00:00:00") }), (now) => {
        const next = nextCronTimeMs(cron, now);
        expect(next).toBeGreaterThan(now);
        expect(next - now).toBeLessThanOrEqual(3 * 3_600_000);
        expect(next % 60_000).toBe(0);
      }),
    );
  });

  it("refuse expressions that are not five valid fields", () => {
    for (const text of [
      "",
      "* * * *",
      "60 * * * *",
      "* 24 * * *",
      "5-1 * * * *",
      "*/0 * * * *",
      "a * * * *",
    ]) {
      expect(() => parseCronExpression(text)).toThrow(/[Cc]ron/);
    }
    expect(() => nextCronTimeMs(parseCronExpression("0 0 31 feb *"), 0)).toThrow(/no date/);
  });
});
