import { expect } from "vitest";
import type { Backend } from "./drivers/driver";
import { conformance, failureOf } from "./suite";

const ADVICE =
  "Consider using smaller limits in your queries, paginating your queries, or using indexed queries with a selective index range expressions.";
const MIB = 1 << 20;

const refusal = async (call: Promise<unknown>) => (await failureOf(call)).message;

async function fill(backend: Backend, group: string, count: number, bytes: number, size: number) {
  for (let from = 0; from < count; from += size) {
    await backend.mutation("limits:fill", { group, count: Math.min(size, count - from), bytes, from });
  }
}

const pageOf = (group: string) => ({
  scan: { index: "by_a", range: [{ op: "eq", field: "group", value: group }] },
  paginationOpts: { numItems: 40_000, cursor: null as string | null },
});

conformance("limits", (add) => {
  add(
    "32,000 documents read by one function, filtered ones too; a page ends there instead",
    async (backend, group) => {
      await fill(backend, group, 32_000, 0, 8_000);
      expect(await backend.query("limits:countRows", { group })).toBe(32_000);
      await fill(backend, group, 1, 0, 1);
      const sentence = `Too many documents read in a single function execution (limit: 32000). ${ADVICE}`;
      expect(await refusal(backend.query("limits:countRows", { group }))).toContain(sentence);
      expect(await refusal(backend.query("limits:countRows", { group, filtered: true }))).toContain(sentence);
      const never = { ...pageOf(group).scan, filters: [["eq", ["field", "a"], ["literal", -1]]] };
      const page = await backend.query("rows:page", { ...pageOf(group), scan: never });
      expect([page.page.length, page.isDone, page.pageStatus]).toEqual([0, false, "SplitRequired"]);
      const next = { ...pageOf(group).paginationOpts, cursor: page.continueCursor };
      const rest = await backend.query("rows:page", { scan: never, paginationOpts: next });
      expect([rest.page.length, rest.isDone]).toEqual([0, true]);
    },
    ["limits"],
  );

  add(
    "16 MiB read by one function; a page ends there instead",
    async (backend, group) => {
      await fill(backend, group, 17, 1_000_000, 10);
      expect(await refusal(backend.query("limits:countRows", { group }))).toContain(
        `Too many bytes read in a single function execution (limit: 16777216 bytes). ${ADVICE}`,
      );
      const page = await backend.query("rows:page", pageOf(group));
      expect([page.page.length, page.isDone, page.pageStatus]).toEqual([16, false, "SplitRequired"]);
    },
    ["limits"],
  );

  add(
    "4,096 index ranges read by one function",
    async (backend) => {
      expect(await backend.query("limits:readRanges", { count: 4_096 })).toBe(4_096);
      expect(await refusal(backend.query("limits:readRanges", { count: 4_097 }))).toContain(
        `Too many reads in a single function execution (limit: 4096). ${ADVICE}`,
      );
    },
    ["limits"],
  );

  add(
    "16,000 documents written by one mutation",
    async (backend, group) => {
      expect(await refusal(backend.mutation("limits:fill", { group, count: 16_001 }))).toContain(
        "Too many writes in a single function execution (limit: 16000)",
      );
      expect(await backend.query("limits:countRows", { group })).toBe(0);
    },
    ["limits"],
  );

  add(
    "16 MiB written by one mutation",
    async (backend, group) => {
      expect(
        await refusal(backend.mutation("limits:fill", { group, count: 17, bytes: 1_000_000 })),
      ).toContain("Too many bytes written in a single function execution (limit: 16777216 bytes)");
      expect(await backend.query("limits:countRows", { group })).toBe(0);
    },
    ["limits"],
  );

  add(
    "1,000 functions and 16 MiB of their arguments scheduled by one mutation",
    async (backend) => {
      expect(await refusal(backend.mutation("limits:schedule", { count: 1_000, bytes: 1 }))).toContain(
        "scheduled 1000",
      );
      expect(await refusal(backend.mutation("limits:schedule", { count: 1_001, bytes: 1 }))).toContain(
        "Too many functions scheduled by this mutation (limit: 1000)",
      );
      expect(await refusal(backend.mutation("limits:schedule", { count: 17, bytes: 1_000_000 }))).toContain(
        "Too large total size of the arguments of scheduled functions from this mutation (limit: 16777216 bytes)",
      );
    },
    ["limits"],
  );

  add(
    "1 MiB a document, to the byte",
    async (backend, group) => {
      // {group, value, _id, _creationTime}: what the text may take is what the rest leaves.
      const probe = await backend
        .mutation("limits:insertShape", { group, shape: "text", size: 1_048_000 })
        .then(() => 1_048_000);
      expect(probe).toBe(1_048_000);
      const overhead = 2 + ("group".length + 1) + (2 + group.length) + ("value".length + 1) + 2;
      const systemFields = "_id".length + 1 + (2 + 32) + ("_creationTime".length + 1) + 9;
      const fits = MIB - overhead - systemFields;
      await backend.mutation("limits:insertShape", { group, shape: "text", size: fits });
      expect(
        await refusal(backend.mutation("limits:insertShape", { group, shape: "text", size: MIB })),
      ).toMatch(/Value is too large \(1\.00 MiB > maximum size 1 MiB\)/);
    },
    ["limits"],
  );

  add(
    "16 levels in a document, 64 in arguments and results",
    async (backend, group) => {
      await backend.mutation("limits:insertShape", { group, shape: "nested", size: 15 });
      expect(
        await refusal(backend.mutation("limits:insertShape", { group, shape: "nested", size: 16 })),
      ).toContain("Document is too nested (nested 17 levels deep > maximum nesting 16)");
      expect(await backend.query("limits:returnShape", { shape: "nested", size: 64 })).toBeTypeOf("object");
      expect(await refusal(backend.query("limits:returnShape", { shape: "nested", size: 65 }))).toMatch(
        /Function limits(\.js)?:returnShape return value invalid: Value is too nested \(nested 65 levels deep > maximum nesting 64\)/,
      );
      const nest = (levels: number): unknown => (levels === 0 ? 1 : [nest(levels - 1)]);
      expect(await backend.query("limits:take", { value: nest(63) })).toBe("taken");
      expect(await refusal(backend.query("limits:take", { value: nest(64) }))).toMatch(/too nested/);
    },
    ["limits"],
  );

  add(
    "8,192 elements of an array and 1,024 fields of an object",
    async (backend, group) => {
      await backend.mutation("limits:insertShape", { group, shape: "array", size: 8_192 });
      expect(
        await refusal(backend.mutation("limits:insertShape", { group, shape: "array", size: 8_193 })),
      ).toContain("Array length is too long (8193 > maximum length 8192)");
      await backend.mutation("limits:insertShape", { group, shape: "fields", size: 1_024 });
      expect(
        await refusal(backend.mutation("limits:insertShape", { group, shape: "fields", size: 1_025 })),
      ).toContain("Object has too many fields (1025 > maximum number 1024)");
      expect(await refusal(backend.query("limits:returnShape", { shape: "array", size: 8_193 }))).toMatch(
        /Function limits(\.js)?:returnShape return value invalid: Array length is too long \(8193 > maximum length 8192\)/,
      );
      expect(await refusal(backend.query("limits:take", { value: Array(8_193).fill(0) }))).toContain(
        "Array length is too long",
      );
    },
    ["limits"],
  );

  add(
    "64 characters of a document's own field names, 1,024 of nested ones",
    async (backend, group) => {
      await backend.mutation("limits:insertShape", { group, shape: "topName", size: 64 });
      await refusal(backend.mutation("limits:insertShape", { group, shape: "topName", size: 65 }));
      await backend.mutation("limits:insertShape", { group, shape: "longName", size: 1_024 });
      expect(
        await refusal(backend.mutation("limits:insertShape", { group, shape: "longName", size: 1_025 })),
      ).toMatch(/maximum (field name )?length 1024/);
    },
    ["limits"],
  );

  add(
    "16 MiB of arguments, 16 MiB of a result",
    async (backend) => {
      const large = Array.from({ length: 17 }, () => "x".repeat(MIB));
      expect(await refusal(backend.query("limits:take", { value: large }))).toMatch(
        /Arguments for limits(\.js)?:take are too large \(17\.00 MiB, limit: 16 MiB\)/,
      );
      expect(await refusal(backend.query("limits:returnShape", { shape: "text", size: 17 }))).toMatch(
        /Function limits(\.js)?:returnShape return value is too large \(actual: 17\.00 MiB, limit: 16 MiB\)/,
      );
    },
    ["limits"],
  );

  add(
    "256 console lines of one function",
    async (backend) => {
      const response = await fetch(`${backend.url}/api/query`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ path: "limits:chatter", args: { lines: 300 }, format: "json" }),
      });
      const { logLines } = (await response.json()) as { logLines: string[] };
      expect(logLines).toHaveLength(257);
      expect(logLines[255]).toBe("[LOG] 255");
      expect(logLines[256]).toContain("Log overflow (maximum 256). Remaining log lines omitted.");
    },
    ["limits"],
  );

  add(
    "20 MiB of an HTTP action's request and of its answer",
    async (backend) => {
      const most = await backend.fetch("/large?bytes=20971520");
      expect([most.status, (await most.arrayBuffer()).byteLength]).toEqual([200, 20 * MIB]);
      const over = await backend.fetch("/large?bytes=20971521").then(
        async (response) => [
          response.status,
          (await response.arrayBuffer().catch(() => null))?.byteLength ?? "cut",
        ],
        () => ["cut"],
      );
      expect(over).not.toEqual([200, 20 * MIB + 1]);
      const request = await backend
        .fetch("/echo", { method: "POST", body: new Uint8Array(20 * MIB + 1) })
        .then(
          ({ status }) => status,
          () => 413,
        );
      expect(request).toBe(413);
    },
    ["limits"],
  );

  add(
    "a function can ask what it has left",
    async (backend, group) => {
      await fill(backend, group, 5, 10, 5);
      const metrics = await backend.query("limits:metrics", { group });
      expect(metrics.documentsRead).toEqual({ used: 3, remaining: 31_997 });
      expect(metrics.databaseQueries).toEqual({ used: 2, remaining: 4_094 });
      expect(metrics.bytesRead.used).toBeGreaterThan(30);
      expect(metrics.bytesRead.used + metrics.bytesRead.remaining).toBe(16 * MIB);
      expect(metrics.documentsWritten).toEqual({ used: 0, remaining: 16_000 });
    },
    ["environment"],
  );
});
