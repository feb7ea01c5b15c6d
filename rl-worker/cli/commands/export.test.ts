import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getFunctionName } from "convex/server";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Desk } from "../../transport/desk";
import { exportRows } from "./export";

let folder: string;
let to: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-export-"));
  to = join(folder, "rows.csv");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Answers like a desk whose run has 250 fills; `failAt` is the page that cannot be read. */
function deskWith({ failAt }: { failAt?: number } = {}): Desk {
  const fills = Array.from({ length: 250 }, (_, i) => ({ tradeId: `t${i}`, feeUsd: i / 3 }));
  const query = async (
    reference: never,
    args: { paginationOpts?: { numItems: number; cursor: string | null } },
  ) => {
    if (getFunctionName(reference) !== "execution/console:fillPages")
      return { progress: { fills: 250, decisions: 9 } };
    const { numItems, cursor } = args.paginationOpts!;
    const from = Number(cursor ?? 0);
    if (from / numItems === failAt) throw new Error("the line is down");
    const page = fills.slice(from, from + numItems);
    return { page, isDone: from + numItems >= fills.length, continueCursor: String(from + numItems) };
  };
  return { query } as unknown as Desk;
}

test("every row of every page is in the file once, in full precision, under one header", async () => {
  const result = await exportRows(deskWith(), "fills", { run: "r", format: "csv", to });
  expect(result).toMatchObject({ rows: 250, file: to });
  const lines = readFileSync(to, "utf8").trimEnd().split("\r\n");
  expect(lines).toHaveLength(251);
  expect([lines[0], lines[1], lines.at(-1)]).toEqual(["tradeId,feeUsd", "t0,0", `t249,${249 / 3}`]);
});

test("JSON reads back as the rows", async () => {
  await exportRows(deskWith(), "fills", { run: "r", format: "json", to });
  const rows = JSON.parse(readFileSync(to, "utf8"));
  expect(rows).toHaveLength(250);
  expect(rows[249]).toEqual({ tradeId: "t249", feeUsd: 249 / 3 });
});

test("a failure half-way leaves no file, neither under its name nor beside it", async () => {
  await expect(exportRows(deskWith({ failAt: 2 }), "fills", { run: "r", format: "csv", to })).rejects.toThrow(
    "down",
  );
  expect([existsSync(to), existsSync(`${to}.partial`)]).toEqual([false, false]);
});

test("a file that is there is not overwritten, and rows without an owner are refused with the option to add", async () => {
  writeFileSync(to, "mine");
  await expect(exportRows(deskWith(), "fills", { run: "r", format: "csv", to })).rejects.toThrow(
    "is there already",
  );
  expect(readFileSync(to, "utf8")).toBe("mine");
  const other = { format: "csv" as const, to: join(folder, "other.csv") };
  await expect(exportRows(deskWith(), "orders", other)).rejects.toThrow("--run <id>");
  await expect(exportRows(deskWith(), "trades", other)).rejects.toThrow("--evaluation <id>");
});
