import { expect, test } from "vitest";
import { CORE_V1 } from "./coreV1";
import { CORE_V2 } from "./coreV2";
import { lookbackBars } from "./lookback";

test("a set without context looks back as far as it warms up", () => {
  expect(lookbackBars(CORE_V1, "5m")).toBe(600);
  expect(lookbackBars(CORE_V1, "1h")).toBe(600);
});

test("core-v2 looks back over its slowest timeframe: three times seven days, however short the bar", () => {
  expect(lookbackBars(CORE_V2, "15m")).toBe(3 * 7 * 96);
  expect(lookbackBars(CORE_V2, "5m")).toBe(3 * 7 * 288);
  expect(lookbackBars(CORE_V2, "1h")).toBe(600);
});

test("a side feed's point counts up to its age", () => {
  const column = {
    name: "x",
    kind: "sideValue",
    params: { maxAgeHours: 200, scale: 1 },
    feed: "news" as const,
  };
  expect(lookbackBars({ id: "s", version: 1, warmupBars: 10, columns: [column] }, "15m")).toBe(800);
});
