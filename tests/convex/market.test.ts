import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import { LIMITS } from "../../lib/contract/limits";
import { aggregateCandles } from "../../lib/market/aggregate";
import { chunkStartMs, encodeChunk } from "../../lib/market/chunk";
import { fromCandles, toCandles } from "../../lib/market/columns";
import { randomWalk } from "../../lib/market/randomWalk.fixture";
import type { Candle } from "../../lib/market/types";
import { appendBars, bar, chunksOf, INSTRUMENT, SOURCE } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});

const KEY = { instrument: INSTRUMENT, timeframe: "15m", source: SOURCE } as const;
const META = { calendar: "always", simulated: false } as const;
const walk = () => toCandles(randomWalk(3_000, 60_000, 5));

type Chunk = ReturnType<typeof chunksOf>[number];
const append = (chunks: Chunk[], instrument: string = INSTRUMENT) =>
  desk.service.mutation(api.market.worker.appendChunks, { ...KEY, instrument, ...META, chunks });

/** What is stored, without the times of writing. */
const stored = () =>
  desk.t.run(async (ctx) => ({
    chunks: await ctx.db.query("candleChunks").collect(),
    series: (await ctx.db.query("candleSeries").collect()).map(({ updatedAtMs, ...fields }) => fields),
    revisions: await ctx.db.query("candleRevisions").collect(),
  }));

const candles = (range: {
  timeframe?: "1m" | "15m" | "1h";
  fromMs?: number;
  toMs?: number;
  limit?: number;
}) => desk.viewer.query(api.market.console.candles, { ...KEY, ...range });

describe("appending bars", () => {
  test("M-04: the same bars twice leave the same state, counted as unchanged", async () => {
    const bars = walk();
    expect(await appendBars(desk, bars, "1m")).toEqual({ added: 3_000, unchanged: 0, revised: 0 });
    const before = await stored();
    expect(await appendBars(desk, bars, "1m")).toEqual({ added: 0, unchanged: 3_000, revised: 0 });
    expect(await stored()).toEqual(before);
    expect(before.series).toMatchObject([{ rows: 3_000, lastOpenTimeMs: bars.at(-1)!.openTimeMs }]);
  });

  test("M-04: overlapping pages in any order end in the state of one append", async () => {
    const bars = walk();
    await appendBars(desk, bars.slice(1_400), "1m");
    await appendBars(desk, bars.slice(0, 1_500), "1m");
    const read = await candles({ timeframe: "1m", limit: 5_000 });
    expect(read).toEqual(bars);
    expect((await stored()).series).toMatchObject([{ rows: 3_000, firstOpenTimeMs: bars[0]!.openTimeMs }]);
  });

  test("M-06: a revised bar replaces the stored one and leaves a row with both", async () => {
    await appendBars(desk, [bar(0, 2_000), bar(1, 2_001)]);
    const after = bar(1, 2_001, { close: 2_003 });
    expect(await appendBars(desk, [after])).toEqual({ added: 0, unchanged: 0, revised: 1 });
    const { revisions } = await stored();
    expect(revisions).toMatchObject([{ ...KEY, openTimeMs: after.openTimeMs, before: bar(1, 2_001), after }]);
    expect(await candles({})).toEqual([bar(0, 2_000), after]);
  });

  const bad: [string, Candle][] = [
    ["high below low", bar(1, 2_000, { high: 1_990, low: 1_995 })],
    ["a zero price", bar(1, 0)],
    ["a negative volume", bar(1, 2_000, { volume: -1 })],
    ["an unaligned time", { ...bar(1, 2_000), openTimeMs: bar(1, 0).openTimeMs + 1 }],
  ];
  test.each(bad)("M-05: a bar with %s stores nothing, not even its sound neighbours", async (_, broken) => {
    await expectFailure(appendBars(desk, [bar(0, 2_000), broken]), "INVALID_ARGUMENT", "payload");
    expect((await stored()).chunks).toEqual([]);
    expect((await stored()).series).toEqual([]);
  });

  test("a chunk that does not hold its bars is refused", async () => {
    const columns = fromCandles([bar(0, 2_000)]);
    const payload = encodeChunk(columns).slice().buffer as ArrayBuffer;
    const start = chunkStartMs(columns.openTimeMs[0]!, "15m");
    for (const chunkStart of [start + 1, start - 1440 * 900_000, 0]) {
      await expectFailure(
        append([{ chunkStartMs: chunkStart, payload }]),
        "INVALID_ARGUMENT",
        "chunkStartMs",
      );
    }
  });

  test("a damaged chunk and an unknown instrument are refused with the field at fault", async () => {
    const [chunk] = chunksOf([bar(0, 2_000), bar(1, 2_000)], "15m");
    const damaged = { ...chunk!, payload: chunk!.payload.slice(0, -1) };
    await expectFailure(append([damaged]), "INVALID_ARGUMENT", "chunks");
    await expectFailure(append([chunk!], "DOGE-USDT"), "NOT_FOUND", "instrument");
  });

  test("simulated bars never enter a series of real ones, nor real ones a simulated series", async () => {
    const [first, second] = [bar(0, 2_000), bar(1, 2_000)].map((candle) => chunksOf([candle], "15m"));
    const add = (chunks: Chunk[], simulated: boolean) =>
      desk.service.mutation(api.market.worker.appendChunks, { ...KEY, ...META, simulated, chunks });
    await add(first!, false);
    await expectFailure(add(second!, true), "CONFLICT", "simulated");
    expect((await stored()).series).toMatchObject([{ rows: 1, simulated: false }]);
  });

  test("D-04: more chunks than one call may carry are refused, as many as it may are stored", async () => {
    const days = Array.from({ length: LIMITS.chunksPerAppend + 1 }, (_, i) => bar(i * 1_440, 2_000));
    const chunks = chunksOf(days, "15m");
    expect(chunks).toHaveLength(LIMITS.chunksPerAppend + 1);
    await expectFailure(append(chunks), "LIMIT_EXCEEDED", "chunks");
    expect(await append(chunks.slice(1))).toMatchObject({ added: LIMITS.chunksPerAppend });
  });
});

describe("reading candles", () => {
  test("a higher timeframe is what lib aggregates from the stored bars, with the last closed bar", async () => {
    await appendBars(desk, walk(), "1m");
    const all = toCandles(aggregateCandles(randomWalk(3_000, 60_000, 5), "15m", { sourceTimeframe: "1m" }));
    expect(await candles({ limit: 5_000 })).toEqual(all);
    expect(await candles({ limit: 7 })).toEqual(all.slice(-7));
    const [fromMs, toMs] = [all[20]!.openTimeMs, all[60]!.openTimeMs];
    expect(await candles({ fromMs, toMs })).toEqual(all.slice(20, 60));
  });

  test("the bar that ends a bucket closes it at once", async () => {
    const minutes = Array.from({ length: 60 }, (_, i) => ({
      ...bar(0, 2_000 + i),
      openTimeMs: bar(0, 0).openTimeMs + i * 60_000,
    }));
    await appendBars(desk, minutes, "1m");
    expect(await candles({ timeframe: "1h" })).toMatchObject([{ open: 2_000, close: 2_059 }]);
  });

  test("D-04: at most the limit of candles comes back, however many are asked for", async () => {
    await appendBars(desk, toCandles(randomWalk(LIMITS.candlesPerView + 500, 60_000, 5)), "1m");
    const read = await candles({ timeframe: "1m", limit: 1e9 });
    expect(read).toHaveLength(LIMITS.candlesPerView);
  });

  test("scrolling back reads the bars just before the given time, far from the series' first bar", async () => {
    const days = Array.from({ length: LIMITS.chunksPerPage + 20 }, (_, i) => bar(i * 1_440, 2_000 + i));
    for (let at = 0; at < days.length; at += LIMITS.chunksPerAppend) {
      await appendBars(desk, days.slice(at, at + LIMITS.chunksPerAppend));
    }
    const page = await candles({ toMs: days.at(-1)!.openTimeMs, limit: 3 });
    expect(page).toEqual(days.slice(-4, -1));
  });

  test("a live feed gets each bar after its cursor once, oldest first", async () => {
    const bars = walk();
    await appendBars(desk, bars, "1m");
    const after = { ...KEY, timeframe: "1m" as const, afterMs: bars[1_000]!.openTimeMs, limit: 700 };
    expect(await desk.service.query(api.market.worker.barsAfter, after)).toEqual(bars.slice(1_001, 1_701));
  });
});
