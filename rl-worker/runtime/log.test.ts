import { expect, test } from "vitest";
import { messageOf } from "./log";

const convexError = (lines: string) =>
  new Error(`[CONVEX M(x:y)] [Request ID: 1] Server Error\nArgumentValidationError: ${lines}`);

test.each([
  [
    "is no id",
    'Value does not match validator.\nPath: .runId\nValue: "abc"\nValidator: v.id("runs")',
    "runs",
  ],
  [
    "is no id of either table",
    'Value does not match validator.\nPath: .runId\nValue: "abc"\nValidator: v.union(v.id("runs"), v.id("shadows"))',
    "runs",
  ],
  [
    "is an id of another table",
    'Found ID "abc" from table `jobs`, which does not match the table name in validator `v.id("runs")`.\nPath: .runId',
    "runs",
  ],
])("what %s is named with what was meant and where to look", (_, lines, table) => {
  expect(messageOf(convexError(lines))).toBe(`runId "abc" is not an id of ${table}; see: assay list`);
});

test("anything else keeps its own words, and our errors their message", () => {
  expect(messageOf(new Error("out of paper"))).toBe("out of paper");
  expect(messageOf({ data: { code: "X", message: "say why" } })).toBe("say why");
});
