import fc from "fast-check";
import { expect, test } from "vitest";
import { LIMITS } from "../contract/limits";
import { checkEvent, type FeedEvent } from "./events";

const NOW_MS = Date.UTC(2025, 6, 2);
const EVENT: FeedEvent = {
  externalId: "n-1",
  eventAtMs: NOW_MS - 1_000,
  score: 0.5,
  title: "Central bank buys",
};

test.each([
  ["externalId", { externalId: "with space" }],
  ["externalId", { externalId: "x".repeat(121) }],
  ["corrects", { corrects: "n-1" }],
  ["eventAtMs", { eventAtMs: NOW_MS + LIMITS.eventAheadMs + 1 }],
  ["eventAtMs", { eventAtMs: 1.5 }],
  ["score", { score: 1.01 }],
  ["score", { score: Number.NaN }],
  ["confidence", { confidence: -0.1 }],
  ["title", { title: "  " }],
  ["title", { title: "x".repeat(LIMITS.eventTitleChars + 1) }],
  ["text", { text: "x".repeat(LIMITS.eventTextChars + 1) }],
  ["url", { url: "javascript:alert(1)" }],
] as const)("an event with a wrong %s is refused by that name, with what is allowed", (field, change) => {
  const checked = checkEvent({ ...EVENT, ...change }, NOW_MS);
  expect(checked).toMatchObject({ ok: false, error: { field } });
});

test("whatever is accepted has a finite score in range and a time that the desk can have seen", () => {
  const event = fc.record(
    {
      externalId: fc.string({ maxLength: 130 }),
      eventAtMs: fc.oneof(fc.integer(), fc.double(), fc.constant(NOW_MS)),
      score: fc.double(),
      title: fc.string({ maxLength: 400 }),
      url: fc.constantFrom("https://example.com/a", "ftp://example.com", ""),
    },
    { requiredKeys: ["externalId", "eventAtMs", "score", "title"] },
  );
  fc.assert(
    fc.property(event, (candidate) => {
      const checked = checkEvent(candidate, NOW_MS);
      if (!checked.ok) return;
      expect(Math.abs(checked.value.score)).toBeLessThanOrEqual(1);
      expect(checked.value.eventAtMs).toBeLessThanOrEqual(NOW_MS + LIMITS.eventAheadMs);
    }),
  );
});
