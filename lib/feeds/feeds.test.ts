import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SideAsOf } from "../features/sides";
import { MAX_LATENESS_MS, toSideSeries } from "./asOf";
import { comparePoints, decodeFeedChunk, encodeFeedChunk, mergePoints } from "./chunk";
import { FeedCursor, type SidePoint } from "./cursor";
import { settledFunding } from "./funding";
import { findFeedGaps } from "./gaps";
import { type FeedPoint, ORIGINS } from "./types";

const T0 = Date.UTC(2025, 0, 1);
const MINUTE_MS = 60_000;

const point = fc
  .record({
    event: fc.integer({ min: 0, max: 5_000 }),
    late: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 3_000 })),
    received: fc.integer({ min: 0, max: 60 }),
    value: fc.constantFrom(-1, -0.25, 0, 0.1, 1),
    origin: fc.constantFrom(...ORIGINS),
  })
  .map(({ event, late, received, value, origin }): FeedPoint => {
    const eventAtMs = T0 + event * MINUTE_MS;
    return {
      ...{ eventAtMs, value, origin },
      receivedAtMs: eventAtMs + received * MINUTE_MS,
      availableAtMs: eventAtMs + late * MINUTE_MS,
    };
  });
const points = fc.array(point, { maxLength: 60 });
const shuffled = points.chain((list) =>
  fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length })),
);

describe("chunks of feed points", () => {
  test("decode is the inverse of encode, and a set of points has one encoding", () => {
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        const bytes = encodeFeedChunk(list);
        expect(encodeFeedChunk(other)).toEqual(bytes);
        expect(decodeFeedChunk(bytes)).toEqual([...list].sort(comparePoints));
      }),
    );
  });

  test("any damage is refused with a RangeError or gives sound points, never a crash", () => {
    fc.assert(
      fc.property(points, fc.nat(), fc.nat(255), (list, at, byte) => {
        const bytes = encodeFeedChunk(list);
        bytes[at % bytes.length] = byte;
        try {
          for (const { value } of decodeFeedChunk(bytes)) expect(Number.isFinite(value)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  test("merging adds what is new once, changes and removes nothing, and does not depend on how points were grouped", () => {
    fc.assert(
      fc.property(shuffled, fc.nat(), ([list, other], cut) => {
        const whole = mergePoints([], list);
        expect(mergePoints(whole.merged, other)).toMatchObject({ added: 0, unchanged: list.length });
        const part = list.slice(0, cut % (list.length + 1));
        const grown = mergePoints(mergePoints([], part).merged, other);
        const identity = ({ eventAtMs, value }: FeedPoint) => `${eventAtMs} ${value}`;
        expect(new Set(grown.merged.map(identity))).toEqual(new Set(whole.merged.map(identity)));
        expect(grown.merged).toHaveLength(whole.merged.length);
      }),
    );
  });
});

describe("what is known as of a bar's close", () => {
  /** By definition: of the points available by then that were not too late, the newest event, then the newest word on it. */
  function known(list: FeedPoint[], closeMs: number): number {
    const usable = list.filter(
      (p) => p.availableAtMs <= closeMs && p.availableAtMs - p.eventAtMs <= MAX_LATENESS_MS,
    );
    const byEvent = (a: FeedPoint, b: FeedPoint) => a.eventAtMs - b.eventAtMs || comparePoints(a, b);
    return usable.sort(byEvent).at(-1)?.value ?? Number.NaN;
  }

  test("it is the newest event received by then, in whatever order points were stored", () => {
    fc.assert(
      fc.property(shuffled, fc.integer({ min: 0, max: 8_000 }), ([list, other], at) => {
        const closeMs = T0 + at * MINUTE_MS;
        const series = toSideSeries(other);
        const asOf = new SideAsOf("news");
        series.availableAtMs.forEach((time, i) => {
          asOf.offer(time, series.value[i]!);
        });
        asOf.advance(closeMs);
        expect(asOf.value).toBe(known(list, closeMs));
      }),
    );
  });

  test("no point that becomes available later changes what was known: the series up to a time is that of the points up to it", () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 0, max: 8_000 }), (list, at) => {
        const cutMs = T0 + at * MINUTE_MS;
        const whole = toSideSeries(list);
        const past = toSideSeries(list.filter((p) => p.availableAtMs <= cutMs));
        const length = whole.availableAtMs.filter((time) => time <= cutMs).length;
        expect(whole.availableAtMs.slice(0, length)).toEqual(past.availableAtMs);
        expect(whole.value.slice(0, length)).toEqual(past.value);
      }),
    );
  });
});

describe("points handed out as bars close", () => {
  test("are those of the batch series, however they were read: all at once or bar by bar", () => {
    const barMs = 15 * MINUTE_MS;
    fc.assert(
      fc.property(shuffled, fc.integer({ min: 1, max: 400 }), ([list, other], bars) => {
        const whole = new FeedCursor();
        whole.add("news", list);
        const byBar = new FeedCursor();
        const given = { whole: [] as SidePoint[], byBar: [] as SidePoint[] };
        for (let i = 1; i <= bars; i++) {
          const closeMs = T0 + i * barMs;
          const since = i === 1 ? Number.NEGATIVE_INFINITY : closeMs - barMs;
          byBar.add(
            "news",
            other.filter((p) => p.availableAtMs > since && p.availableAtMs <= closeMs),
          );
          given.whole.push(...whole.upTo(closeMs));
          given.byBar.push(...byBar.upTo(closeMs));
        }
        const series = toSideSeries(list.filter((p) => p.availableAtMs <= T0 + bars * barMs));
        expect(given.whole.map(({ availableAtMs }) => availableAtMs)).toEqual([...series.availableAtMs]);
        expect(given.whole.map(({ value }) => value)).toEqual([...series.value]);
        expect(given.byBar).toEqual(given.whole);
      }),
    );
  });

  test("a point that comes after a bar that should have seen it is left out, and later ones are not", () => {
    const at = (minute: number, value: number): FeedPoint => {
      const time = T0 + minute * MINUTE_MS;
      return { eventAtMs: time, receivedAtMs: time, availableAtMs: time, value, origin: "file" };
    };
    const cursor = new FeedCursor();
    expect(cursor.upTo(T0 + 10 * MINUTE_MS)).toEqual([]);
    cursor.add("news", [at(5, 1), at(12, 0.5)]);
    expect(cursor.upTo(T0 + 15 * MINUTE_MS)).toMatchObject([{ value: 0.5 }]);
  });
});

describe("settled funding", () => {
  const HOUR_MS = 60 * MINUTE_MS;
  const settlement = (hours: number, value: number, lateMs: number): FeedPoint => ({
    eventAtMs: T0 + hours * HOUR_MS,
    receivedAtMs: T0 + hours * HOUR_MS + lateMs,
    availableAtMs: T0 + hours * HOUR_MS + lateMs,
    value,
    origin: "poll",
  });

  test("a rate counts when it was known by the close of the bar that pays it, with the newest word on it", () => {
    const rows = [settlement(8, 0.0002, 1_000), settlement(8, 0.0003, 2_000), settlement(8, 0.0009, 90_000)];
    const late = settlement(16, 0.0004, 61_000);
    const byMinute = settledFunding([late, ...rows], MINUTE_MS);
    expect(byMinute(T0 + 8 * HOUR_MS)).toBe(0.0003);
    expect(byMinute(T0 + 16 * HOUR_MS)).toBeNaN();
    expect(settledFunding([late], 15 * MINUTE_MS)(T0 + 16 * HOUR_MS)).toBe(0.0004);
    expect(byMinute(T0 + 9 * HOUR_MS)).toBeNaN();
  });
});

test("gaps lie where the distance is longer than the feed allows, and count what is missing", () => {
  const hours = (n: number) => T0 + n * 60 * MINUTE_MS;
  expect(findFeedGaps("funding", [0, 8, 16, 40].map(hours))).toEqual([
    { fromMs: hours(16), toMs: hours(40), missing: 2 },
  ]);
  expect(findFeedGaps("news", [0, 900].map(hours))).toEqual([]);
});
