import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detectCalendar, isExpectedOpen, newYorkOffsetMs, sessionsBetween } from "./calendar";

const HOUR_MS = 3_600_000;
const at = (text: string) => Date.parse(`${text}Z`);

describe("metals calendar", () => {
  it("has New York's offset of the IANA data base at every hour since 1990", () => {
    const format = new Intl.DateTimeFormat("en-US", {
      timeZone: "America/New_York",
      hour: "numeric",
      hourCycle: "h23",
    });
    fc.assert(
      fc.property(
        fc.integer({ min: at("1990-01-01") / HOUR_MS, max: at("2035-01-01") / HOUR_MS }),
        (hour) => {
          const time = hour * HOUR_MS;
          const wall = new Date(time + newYorkOffsetMs(time)).getUTCHours();
          expect(wall).toBe(Number(format.format(time)));
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("opens on Sunday 18:00 and closes on Friday 17:00 New York, winter and summer", () => {
    const week = (from: string, to: string) =>
      [...sessionsBetween("metals", at(from), at(to))].map((s) =>
        [s.startMs, s.endMs].map((t) => new Date(t).toISOString().slice(0, 16)),
      );
    expect(week("2025-01-11T00:00", "2025-01-14T00:00")).toEqual([
      ["2025-01-12T23:00", "2025-01-13T22:00"],
      ["2025-01-13T23:00", "2025-01-14T22:00"],
    ]);
    expect(week("2025-07-10T22:00", "2025-07-13T23:00")).toEqual([
      ["2025-07-10T22:00", "2025-07-11T21:00"],
      ["2025-07-13T22:00", "2025-07-14T21:00"],
    ]);
    // The Sunday on which daylight time starts already opens on the new clock.
    expect(week("2025-03-09T12:00", "2025-03-10T00:00")).toEqual([["2025-03-09T22:00", "2025-03-10T21:00"]]);
  });

  it("expects no bar in the daily break and the weekend, and one that only overlaps a session", () => {
    const open = (text: string, minutes = 1) => isExpectedOpen("metals", at(text), minutes * 60_000);
    expect(open("2025-07-08T20:59")).toBe(true);
    expect(open("2025-07-08T21:00")).toBe(false);
    expect(open("2025-07-08T21:59")).toBe(false);
    expect(open("2025-07-08T22:00")).toBe(true);
    expect(open("2025-07-12T12:00")).toBe(false);
    expect(open("2025-07-13T20:00", 240)).toBe(true);
    expect(isExpectedOpen("always", at("2025-07-12T12:00"), 60_000)).toBe(true);
  });

  it("is detected from a week of bars, with a stray one too; round-the-clock bars are not", () => {
    const all = Array.from({ length: 14 * 1440 }, (_, i) => at("2025-07-07T00:00") + i * 60_000);
    const metals = all.filter((time) => isExpectedOpen("metals", time, 60_000));
    const stray = [...metals, at("2025-07-12T12:00")].sort((a, b) => a - b);
    expect(detectCalendar(Float64Array.from(metals))).toBe("metals");
    expect(detectCalendar(Float64Array.from(stray))).toBe("metals");
    expect(detectCalendar(Float64Array.from(all))).toBe("always");
    expect(detectCalendar(new Float64Array(0))).toBe("always");
  });
});
