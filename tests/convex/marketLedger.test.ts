import { beforeEach, describe, expect, test } from "vitest";
import { api, internal } from "../../convex/_generated/api";
import { LIMITS } from "../../lib/contract/limits";
import { bar, INSTRUMENT, SOURCE } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";

let desk: Desk;
beforeEach(async () => {
  desk = await openDesk();
});

const KEY = { instrument: INSTRUMENT, timeframe: "15m", source: SOURCE } as const;

describe("the gap ledger", () => {
  const gap = (from: number, to: number) => ({
    fromMs: bar(from, 0).openTimeMs,
    toMs: bar(to, 0).openTimeMs,
    missingBars: to - from,
    cause: "missing" as const,
  });
  type NewGap = ReturnType<typeof gap>;
  const record = (gaps: NewGap[], from = 0, to = 100) =>
    desk.service.mutation(api.market.worker.recordGaps, {
      ...KEY,
      fromMs: bar(from, 0).openTimeMs,
      toMs: bar(to, 0).openTimeMs,
      gaps,
    });
  const listed = async () => {
    const rows = await desk.viewer.query(api.market.console.listGaps, KEY);
    return rows.map(({ fromMs, toMs }) => [fromMs, toMs]).reverse();
  };
  const spans = (...gaps: NewGap[]) => gaps.map(({ fromMs, toMs }) => [fromMs, toMs]);

  test("M-04: recording replaces the range: healed gaps go, shrunk ones change, others stay", async () => {
    await record([gap(2, 5), gap(10, 20), gap(50, 60)]);
    await record([gap(2, 5), gap(10, 20), gap(50, 60)]);
    expect(await listed()).toEqual(spans(gap(2, 5), gap(10, 20), gap(50, 60)));
    await record([gap(15, 20)], 0, 40);
    expect(await listed()).toEqual(spans(gap(15, 20), gap(50, 60)));
    await record([]);
    expect(await listed()).toEqual([]);
  });

  test("D-04: more gaps than one call may carry are refused", async () => {
    const many = Array.from({ length: LIMITS.gapsPerCall + 1 }, (_, i) => gap(2 * i, 2 * i + 1));
    await expectFailure(record(many, 0, 2_000), "LIMIT_EXCEEDED", "gaps");
  });

  test("a gap outside the recorded range is refused: repeating the call would double it", async () => {
    await expectFailure(record([gap(90, 95)], 0, 40), "INVALID_ARGUMENT", "gaps");
  });
});

describe("imports", () => {
  const counts = { rowsRead: 5, rowsAdded: 5, rowsUnchanged: 0, rowsRevised: 0, rowsRejected: 0 };
  test("S-03: an unknown import is NOT_FOUND for progress and for its end", async () => {
    const start = { ...KEY, fileName: "gold.csv" };
    const ingestionId = await desk.service.mutation(api.market.worker.startImport, start);
    await desk.t.run((ctx) => ctx.db.delete(ingestionId));
    const report = desk.service.mutation(api.market.worker.reportImport, { ingestionId, ...counts });
    await expectFailure(report, "NOT_FOUND", "ingestionId");
    const end = { ingestionId, ...counts, status: "ok" as const, gaps: 0, rejects: [] };
    await expectFailure(
      desk.service.mutation(api.market.worker.finishImport, end),
      "NOT_FOUND",
      "ingestionId",
    );
  });
});

describe("exchange attempts", () => {
  const HOUR_MS = 3_600_000;
  const attempt = (
    startedAtMs: number,
    change: { status?: "ok" | "failed"; rowsAdded?: number; error?: string } = {},
  ) =>
    desk.t.mutation(internal.market.internal.recordIngestion, {
      ...KEY,
      trigger: "cron",
      status: "ok",
      startedAtMs,
      finishedAtMs: startedAtMs + 500,
      rowsAdded: 1,
      rowsRejected: 0,
      ...change,
    });
  const rows = async () =>
    (await desk.viewer.query(api.market.console.listIngestionRuns, {}))
      .map((row) => [row.status, row.rowsAdded])
      .reverse();

  test("good attempts of an hour share one row, a failure stands alone, and the next hour begins a new row", async () => {
    for (const minute of [0, 1, 2]) await attempt(minute * 60_000);
    await attempt(3 * 60_000, { status: "failed", rowsAdded: 0, error: "network: reset" });
    await attempt(4 * 60_000);
    await attempt(5 * 60_000);
    await attempt(HOUR_MS + 4 * 60_000);
    expect(await rows()).toEqual([
      ["ok", 3],
      ["failed", 0],
      ["ok", 2],
      ["ok", 1],
    ]);
  });
});
