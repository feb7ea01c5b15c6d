/** `assay export`: decisions, orders, fills, trades and evaluations as CSV or JSON files, page by page. */
import { existsSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { api } from "../../../convex/_generated/api";
import type { Id } from "../../../convex/_generated/dataModel";
import { LIMITS } from "../../../lib/contract/limits";
import {
  csvWriter,
  EXPORTS,
  type ExportKind,
  jsonWriter,
  pagesOf,
  partsAsPages,
  type RowPage,
} from "../../../lib/export/rows";
import { systemClock } from "../../runtime/clock";
import type { Desk } from "../../transport/desk";
import { onInterrupt } from "../jobs";
import { createProgress } from "../output";
import { CommandError, UsageError } from "../session";
import { runProgress } from "./operate";

export interface ExportOptions {
  run?: string;
  evaluation?: string;
  format: "csv" | "json";
  to: string;
}

interface Source {
  read: (cursor: string | null) => Promise<RowPage>;
  total?: number;
}

/** Where the rows come from; refuses when what they belong to is not named. */
async function sourceOf(person: Desk, what: ExportKind, { run, evaluation }: ExportOptions): Promise<Source> {
  const paginationOpts = (cursor: string | null) => ({ numItems: LIMITS.pageSize, cursor });
  if (what === "evaluations") {
    return {
      read: (cursor) =>
        person.query(api.evaluations.console.pages, { paginationOpts: paginationOpts(cursor) }),
    };
  }
  if (what === "trades") {
    if (evaluation === undefined)
      throw new UsageError("trades belong to an evaluation; add --evaluation <id>");
    const evaluationId = evaluation as Id<"evaluations">;
    const { performance } = await person.query(api.evaluations.console.get, { evaluationId });
    const part = (number: number) =>
      person.query(api.evaluations.console.trades, { evaluationId, part: number });
    return { read: partsAsPages(part, LIMITS.tradesPerPart), total: performance.tradeCount };
  }
  if (run === undefined)
    throw new UsageError(`${what} belong to a run; add --run <id> (see: assay list runs)`);
  const runId = run as Id<"runs">;
  const row = await person.query(api.runs.console.get, { runId });
  const progress = await runProgress(person, row);
  if (what === "decisions") {
    const read: Source["read"] = (cursor) =>
      person.query(api.decisions.console.list, { runId, paginationOpts: paginationOpts(cursor) });
    return { read, total: progress.decisions };
  }
  if (what === "fills") {
    const read: Source["read"] = (cursor) =>
      person.query(api.execution.console.fillPages, { runId, paginationOpts: paginationOpts(cursor) });
    return { read, total: progress.fills };
  }
  return {
    read: (cursor) =>
      person.query(api.execution.console.orderPages, { runId, paginationOpts: paginationOpts(cursor) }),
  };
}

/**
 * Writes every row of `what` to the file `to`, which must not exist. The rows go to `<to>.partial`, which takes
 * the name at the end: a file of that name is whole. Ctrl-C leaves nothing behind.
 */
export async function exportRows(person: Desk, what: ExportKind, options: ExportOptions) {
  const { format, to } = options;
  if (existsSync(to)) throw new CommandError(`${to} is there already; name another file with --to`);
  const { read, total } = await sourceOf(person, what, options);
  const writer = format === "csv" ? csvWriter(EXPORTS[what]) : jsonWriter();
  const partial = `${to}.partial`;
  const progress = createProgress(systemClock.monotonicMs);
  const startedMs = systemClock.monotonicMs();
  let isCancelled = false;
  const release = onInterrupt(() => {
    isCancelled = true;
  });
  const file = await open(partial, "w");
  let rows = 0;
  try {
    for await (const page of pagesOf(read)) {
      if (isCancelled) throw new CommandError("Cancelled; nothing was written");
      await file.write(writer.text(page));
      rows += page.length;
      const seconds = (systemClock.monotonicMs() - startedMs) / 1_000;
      progress.show(exportText(rows, total, seconds));
    }
    await file.write(writer.end());
    await file.close();
    await rename(partial, to);
  } catch (error) {
    await file.close().catch(() => {});
    await rm(partial, { force: true });
    throw error;
  } finally {
    release();
    progress.end();
  }
  return { what, rows, file: to, format };
}

function exportText(rows: number, total: number | undefined, seconds: number): string {
  const whole = (value: number) => Math.round(value).toLocaleString("en-US");
  const rate = rows / Math.max(seconds, 0.001);
  const left = total === undefined ? "" : `, ${whole(Math.max(0, total - rows) / Math.max(rate, 1))} s left`;
  return `exported ${whole(rows)}${total === undefined ? "" : ` / ${whole(total)}`} rows, ${whole(rate)} rows/s${left}`;
}
