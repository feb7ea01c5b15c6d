import fc from "fast-check";
import { expect } from "vitest";
import type { Backend } from "./drivers/driver";
import { conformance, failureOf } from "./suite";

interface Page {
  page: Array<{ a: number }>;
  isDone: boolean;
  continueCursor: string;
  splitCursor?: string | null;
  pageStatus?: string | null;
}

interface Options {
  numItems: number;
  cursor: string | null;
  endCursor?: string | null;
  maximumRowsRead?: number;
}

const scanOf = (group: string, extra: object = {}) => ({
  index: "by_a",
  range: [{ op: "eq", field: "group", value: group }],
  ...extra,
});

async function insert(backend: Backend, group: string, numbers: number[]): Promise<string[]> {
  return backend.mutation("rows:insert", { values: numbers.map((a) => ({ group, a })) });
}

async function page(
  backend: Backend,
  group: string,
  paginationOpts: Options,
  extra: object = {},
): Promise<Page> {
  return backend.query("rows:page", { scan: scanOf(group, extra), paginationOpts });
}

const numbersOf = ({ page }: Page) => page.map(({ a }) => a);

async function walk(
  backend: Backend,
  group: string,
  numItems: number,
  extra: object = {},
): Promise<number[][]> {
  const pages: number[][] = [];
  for (let cursor: string | null = null; ; ) {
    const next = await page(backend, group, { numItems, cursor }, extra);
    pages.push(numbersOf(next));
    if (next.isDone) return pages;
    cursor = next.continueCursor;
  }
}

conformance("pagination", (add) => {
  add(
    "pages of any size put together are the whole range, both ways and through a filter",
    async (backend, group) => {
      await insert(backend, group, [1, 2, 3, 4, 5, 6, 7]);
      for (const size of [1, 2, 3, 7, 8, 100]) {
        expect((await walk(backend, group, size)).flat()).toEqual([1, 2, 3, 4, 5, 6, 7]);
        expect((await walk(backend, group, size, { order: "desc" })).flat()).toEqual([7, 6, 5, 4, 3, 2, 1]);
        const odd = ["eq", ["mod", ["field", "a"], ["literal", 2]], ["literal", 1]];
        expect((await walk(backend, group, size, { filters: [odd] })).flat()).toEqual([1, 3, 5, 7]);
      }
      expect(await walk(backend, `${group} empty`, 5)).toEqual([[]]);
    },
  );

  add("the last page says that it is the last, a full page before it does not", async (backend, group) => {
    await insert(backend, group, [1, 2]);
    expect(await page(backend, group, { numItems: 3, cursor: null })).toMatchObject({ isDone: true });
    const first = await page(backend, group, { numItems: 1, cursor: null });
    expect(first).toMatchObject({ isDone: false });
    const done = await page(backend, group, { numItems: 5, cursor: first.continueCursor });
    expect(numbersOf(done)).toEqual([2]);
    expect(done.isDone).toBe(true);
  });

  add(
    "the cursor after the end stays at the end",
    async (backend, group) => {
      await insert(backend, group, [1, 2]);
      const done = await page(backend, group, { numItems: 5, cursor: null });
      const after = await page(backend, group, { numItems: 5, cursor: done.continueCursor });
      expect([numbersOf(after), after.isDone]).toEqual([[], true]);
      await insert(backend, group, [3]);
      const later = await page(backend, group, { numItems: 5, cursor: done.continueCursor });
      expect([numbersOf(later), later.isDone]).toEqual([[], true]);
    },
    ["cursors"],
  );

  add(
    "a page of no items is refused, as is a budget of no rows",
    async (backend, group) => {
      const refusal = async (options: Options) => (await failureOf(page(backend, group, options))).message;
      expect(await refusal({ numItems: 0, cursor: null })).toContain(
        "Must request at least 1 document while paginating",
      );
      expect(await refusal({ numItems: 1, cursor: null, maximumRowsRead: 0 })).toContain(
        "maximumRowsRead and maximumBytesRead must be greater than 0",
      );
    },
    ["wording"],
  );

  add(
    "an end cursor sets the page's end, whatever its size and whatever came in between",
    async (backend, group) => {
      await insert(backend, group, [10, 20, 30, 40]);
      const first = await page(backend, group, { numItems: 2, cursor: null });
      await insert(backend, group, [15, 20, 25]);
      const same = await page(backend, group, { numItems: 1, cursor: null, endCursor: first.continueCursor });
      expect(numbersOf(same)).toEqual([10, 15, 20]);
      expect(same.continueCursor).toBe(first.continueCursor);
      const next = await page(backend, group, { numItems: 10, cursor: first.continueCursor });
      expect(numbersOf(next)).toEqual([20, 25, 30, 40]);
      const last = await page(backend, group, {
        numItems: 10,
        cursor: first.continueCursor,
        endCursor: next.continueCursor,
      });
      expect([numbersOf(last), last.isDone]).toEqual([[20, 25, 30, 40], true]);
    },
    ["cursors"],
  );

  add(
    "a cursor stands where it was, when its own row is gone",
    async (backend, group) => {
      const ids = await insert(backend, group, [1, 2, 3, 4]);
      const first = await page(backend, group, { numItems: 2, cursor: null });
      await backend.mutation("rows:remove", { ids: [ids[1]] });
      expect(numbersOf(await page(backend, group, { numItems: 9, cursor: first.continueCursor }))).toEqual([
        3, 4,
      ]);
      const again = await page(backend, group, {
        numItems: 9,
        cursor: null,
        endCursor: first.continueCursor,
      });
      expect(numbersOf(again)).toEqual([1]);
    },
    ["cursors"],
  );

  add(
    "a cursor of another query, or of none, is refused with data that clients start over at",
    async (backend, group) => {
      await insert(backend, group, [1, 2, 3]);
      const { continueCursor } = await page(backend, group, { numItems: 1, cursor: null });
      const other = await failureOf(
        page(backend, group, { numItems: 1, cursor: continueCursor }, { order: "desc" }),
      );
      expect(other.message).toContain(
        "InvalidCursor: Tried to run a query starting from a cursor, but it looks like this cursor is from a different query.",
      );
      expect(other.data).toEqual({ isConvexSystemError: true, paginationError: "InvalidCursor" });
      const elsewhere = await failureOf(
        page(backend, `${group} other`, { numItems: 1, cursor: continueCursor }),
      );
      expect(elsewhere.message).toContain("InvalidCursor");
      const forged = await failureOf(page(backend, group, { numItems: 1, cursor: "forged" }));
      expect(forged.message).toContain("InvalidCursor");
      const end = await failureOf(page(backend, group, { numItems: 1, cursor: null, endCursor: "forged" }));
      expect(end.message).toContain("InvalidCursor");
    },
    ["cursors"],
  );

  add(
    "only one page a function",
    async (backend, group) => {
      const twice = failureOf(
        backend.query("rows:pageTwice", {
          scan: scanOf(group),
          paginationOpts: { numItems: 1, cursor: null },
        }),
      );
      expect((await twice).message).toContain(
        "This query or mutation function ran multiple paginated queries. Convex only supports a single paginated query in each function.",
      );
    },
    ["wording"],
  );

  add(
    "a page that spends its rows stops there, asks to be split, and loses nothing",
    async (backend, group) => {
      await insert(
        backend,
        group,
        Array.from({ length: 12 }, (_, i) => i),
      );
      const never = { filters: [["gte", ["field", "a"], ["literal", 9]]] };
      const first = await page(backend, group, { numItems: 5, cursor: null, maximumRowsRead: 6 }, never);
      expect([numbersOf(first), first.isDone, first.pageStatus]).toEqual([[], false, "SplitRequired"]);
      const second = await page(backend, group, { numItems: 5, cursor: first.continueCursor }, never);
      expect(numbersOf(second)).toEqual([9, 10, 11]);
      const left = await page(
        backend,
        group,
        { numItems: 5, cursor: null, endCursor: first.splitCursor! },
        never,
      );
      const right = await page(
        backend,
        group,
        { numItems: 5, cursor: first.splitCursor!, endCursor: first.continueCursor },
        never,
      );
      expect([...numbersOf(left), ...numbersOf(right)]).toEqual([]);
    },
    ["cursors"],
  );

  add(
    "a page with an end that spends its rows still ends there: its halves are the whole",
    async (backend, group) => {
      await insert(
        backend,
        group,
        Array.from({ length: 10 }, (_, i) => i),
      );
      const whole = await page(backend, group, { numItems: 10, cursor: null });
      const cut = await page(backend, group, {
        numItems: 1,
        cursor: null,
        endCursor: whole.continueCursor,
        maximumRowsRead: 4,
      });
      expect([cut.pageStatus, cut.continueCursor, numbersOf(cut)]).toEqual([
        "SplitRequired",
        whole.continueCursor,
        [0, 1, 2, 3],
      ]);
      const left = await page(backend, group, { numItems: 1, cursor: null, endCursor: cut.splitCursor! });
      const right = await page(backend, group, {
        numItems: 1,
        cursor: cut.splitCursor!,
        endCursor: cut.continueCursor,
      });
      expect([...numbersOf(left), ...numbersOf(right)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    },
    ["cursors"],
  );

  add(
    "a split cursor halves a page",
    async (backend, group) => {
      await insert(
        backend,
        group,
        Array.from({ length: 9 }, (_, i) => i),
      );
      for (const order of ["asc", "desc"] as const) {
        const whole = await page(backend, group, { numItems: 9, cursor: null }, { order });
        const left = await page(
          backend,
          group,
          { numItems: 1, cursor: null, endCursor: whole.splitCursor! },
          { order },
        );
        const right = await page(
          backend,
          group,
          { numItems: 1, cursor: whole.splitCursor!, endCursor: whole.continueCursor },
          { order },
        );
        expect(left.page.length).toBeGreaterThan(2);
        expect(right.page.length).toBeGreaterThan(2);
        expect([...numbersOf(left), ...numbersOf(right)]).toEqual(numbersOf(whole));
      }
    },
    ["cursors"],
  );

  add(
    "rows that come and go between pages never double or hide the ones that stay",
    async (backend, group) => {
      let run = 0;
      const change = fc.record({ at: fc.integer({ min: 0, max: 40 }), remove: fc.boolean() });
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 4, maxLength: 16 }),
          fc.array(fc.array(change, { maxLength: 3 }), { minLength: 3, maxLength: 3 }),
          fc.integer({ min: 1, max: 5 }),
          fc.constantFrom("asc", "desc"),
          async (start, changes, numItems, order) => {
            const own = `${group} ${run++}`;
            const ids = new Map<number, string>();
            (await insert(backend, own, start)).forEach((id, i) => void ids.set(start[i]!, id));
            const stays = new Set(start);
            const seen: number[] = [];
            let cursor: string | null = null;
            for (let step = 0; ; step++) {
              const next: Page = await page(backend, own, { numItems, cursor }, { order });
              seen.push(...numbersOf(next));
              if (next.isDone) break;
              cursor = next.continueCursor;
              for (const { at, remove } of changes[step] ?? []) {
                const known = ids.get(at);
                if (known && remove) {
                  await backend.mutation("rows:remove", { ids: [known] });
                  ids.delete(at);
                  stays.delete(at);
                } else if (!known && !remove) ids.set(at, (await insert(backend, own, [at]))[0]!);
              }
            }
            const ordered = [...seen].sort((a, b) => (order === "asc" ? a - b : b - a));
            expect(seen).toEqual(ordered);
            expect(new Set(seen).size).toBe(seen.length);
            for (const number of stays) expect(seen).toContain(number);
          },
        ),
        { numRuns: 15 },
      );
    },
    ["cursors"],
  );
});
