import type { PropertyValidators } from "convex/values";
import { beforeEach, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import { decisionFields } from "../../convex/decisions/schema";
import { fillFields, orderFields } from "../../convex/execution/schema";
import { EXPORTS, pagesOf } from "../../lib/export/rows";
import { beginRun, type Driven, fillsOf, ordersOf, play } from "./runDriver";
import { bar } from "./seed";
import { openDesk } from "./setup";

let run: Driven;
beforeEach(async () => {
  run = await beginRun(await openDesk());
  for (let i = 0; i < 24; i++) await play(run, bar(i, 2_000 + i), i % 3);
});

const optionalOf = (fields: PropertyValidators) =>
  Object.entries(fields).flatMap(([name, field]) => (field.isOptional === "optional" ? [name] : []));

test("an exported row lacks no field but those that the export names as optional", () => {
  expect(EXPORTS.orders).toEqual(optionalOf(orderFields));
  expect(EXPORTS.fills).toEqual(optionalOf(fillFields));
  expect(optionalOf(decisionFields)).toEqual(expect.arrayContaining([...EXPORTS.decisions]));
});

test("the pages of a run's decisions, orders and fills hold each row once, newest first", async () => {
  const { desk, runId } = run;
  const read = (query: typeof api.execution.console.fillPages) =>
    pagesOf((cursor) => desk.viewer.query(query, { runId, paginationOpts: { numItems: 5, cursor } }));
  const all = async (pages: AsyncGenerator<readonly object[]>) => {
    const rows: { _id: string }[] = [];
    for await (const page of pages) {
      expect(page.length).toBeLessThanOrEqual(5);
      rows.push(...(page as { _id: string }[]));
    }
    return rows.map(({ _id }) => _id);
  };
  const newestFirst = (rows: { _id: string }[]) => rows.map(({ _id }) => _id).reverse();
  expect(await all(read(api.execution.console.fillPages))).toEqual(newestFirst(await fillsOf(run)));
  const orders = api.execution.console.orderPages as unknown as typeof api.execution.console.fillPages;
  expect(await all(read(orders))).toEqual(newestFirst(await ordersOf(run)));
  const decisions = api.decisions.console.list as unknown as typeof api.execution.console.fillPages;
  expect(new Set(await all(read(decisions))).size).toBe(24);
});
