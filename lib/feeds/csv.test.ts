import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readFeedHeader, readFeedRow } from "./csv";
import { FEED_FACTS, FEEDS, isEventFeed } from "./types";

const layoutOf = (feed: (typeof FEEDS)[number], header: string) => {
  const layout = readFeedHeader(feed, header);
  if (!layout.ok) throw new Error(layout.error);
  return layout.value;
};
const T = Date.UTC(2025, 0, 1, 8);

describe("feed files", () => {
  test("a funding row counts from its publication: the stated time, else the event and the lag", () => {
    const layout = layoutOf("funding", "\uFEFFsymbol,fundingTime,fundingRate,received_ms");
    const row = (line: string) => readFeedRow(layout, line, 60_000);
    expect(row(`XAUT,${T},0.0001,`)).toMatchObject({
      ok: true,
      value: { point: { eventAtMs: T, availableAtMs: T + 60_000, value: 0.0001, origin: "file" } },
    });
    expect(row(`XAUT,2025-01-01T08:00:00Z,-1e-4,${T + 5}`)).toMatchObject({
      ok: true,
      value: { point: { eventAtMs: T, availableAtMs: T + 5, value: -0.0001 } },
    });
  });

  test.each([
    ["1735718400,0.0001,", "is not a time"],
    ["2025-01-01 08:00:00,0.0001,", "is not a time"],
    [`${T},0.5,`, "must be from -0.05 to 0.05"],
    [`${T},nan,`, "must be from"],
    [`${T},,`, "must be from"],
    [`${T},0.0001,${T - 1}`, "is before eventAtMs"],
    [`${T},"0.0001,`, "quote"],
  ])("the row %s is refused with its reason", (line, reason) => {
    const row = readFeedRow(layoutOf("funding", "event_ms,value,received_ms"), line, 60_000);
    expect(row).toMatchObject({ ok: false, error: expect.stringContaining(reason) });
  });

  test("an event row keeps its texts, commas and quotes included, and must say when it was received", () => {
    const header = "event_ms,received_ms,score,external_id,title,url";
    const layout = layoutOf("news", header);
    const line = `${T},${T + 9},0.5,n-1,"Gold, ""up""",https://example.com`;
    expect(readFeedRow(layout, line, 0)).toEqual({
      ok: true,
      value: {
        event: {
          ...{ eventAtMs: T, receivedAtMs: T + 9, score: 0.5, externalId: "n-1" },
          ...{ title: 'Gold, "up"', url: "https://example.com" },
        },
      },
    });
    expect(readFeedRow(layout, `${T},,0.5,n-1,title,`, 0)).toMatchObject({ ok: false });
    expect(readFeedHeader("news", "event_ms,score,external_id,title")).toMatchObject({
      ok: false,
      error: expect.stringContaining("received_ms"),
    });
    expect(readFeedHeader("funding", "time,rate,value")).toMatchObject({ ok: false });
  });

  test("any line gives a row that is in range and never known before its event, or a reason", () => {
    const cell = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom(`${T}`, `${T + 1}`, "0.0001", "-2", "1e-3", '"', "NaN"),
    );
    fc.assert(
      fc.property(fc.constantFrom(...FEEDS), fc.array(cell, { maxLength: 6 }), (feed, cells) => {
        const row = readFeedRow(
          layoutOf(feed, "event_ms,value,received_ms,external_id,title"),
          cells.join(","),
          0,
        );
        if (!row.ok) {
          expect(row.error).not.toBe("");
          return;
        }
        expect("event" in row.value).toBe(isEventFeed(feed));
        if ("event" in row.value) return;
        const { value, eventAtMs, availableAtMs } = row.value.point;
        expect(value).toBeGreaterThanOrEqual(FEED_FACTS[feed].least);
        expect(value).toBeLessThanOrEqual(FEED_FACTS[feed].most);
        expect(availableAtMs).toBeGreaterThanOrEqual(eventAtMs);
      }),
    );
  });
});
