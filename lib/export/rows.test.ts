import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { csvWriter, jsonWriter, pagesOf, partsAsPages, toCsv } from "./rows";

describe("rows as CSV", () => {
  it("keep full precision, dotted names, and a cell for every name that any row has", () => {
    expect(
      toCsv([
        { a: 0.1234567890123, costs: { feesUsd: 1 } },
        { a: 2, note: null, list: [1, 2] },
      ]),
    ).toBe('a,costs.feesUsd,note,list\r\n0.1234567890123,1,,\r\n2,,,"[1,2]"\r\n');
  });

  it("quote what would break a line and defuse what a spreadsheet would run", () => {
    expect(toCsv([{ text: 'a "b",\nc' }])).toBe('text\r\n"a ""b"",\nc"\r\n');
    expect(toCsv([{ text: "=1+1", value: -5 }])).toBe("text,value\r\n'=1+1,-5\r\n");
  });
});

const row = fc.record(
  { time: fc.integer(), note: fc.string(), reason: fc.string() },
  { requiredKeys: ["time", "note"] },
);
const cut = <Row>(rows: Row[], size: number) =>
  Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size));

describe("rows written page by page", () => {
  it("are the CSV of all rows at once, however they are cut into pages", () => {
    fc.assert(
      fc.property(fc.array(row), fc.integer({ min: 1, max: 7 }), (rows, size) => {
        const all = [{ time: 0, note: "", reason: "" }, ...rows];
        const writer = csvWriter(["reason"]);
        const pages = cut(all, size).map((page) => writer.text(page));
        expect(pages.join("") + writer.end()).toBe(toCsv(all));
      }),
    );
  });

  it("have a column for a name that no row of the first page has", () => {
    const writer = csvWriter(["reason"]);
    expect(writer.text([{ a: 1 }]) + writer.text([{ a: 2, reason: "late" }])).toBe(
      "a,reason\r\n1,\r\n2,late\r\n",
    );
  });

  it("are a JSON array that reads back as the rows", () => {
    fc.assert(
      fc.property(fc.array(row), fc.integer({ min: 1, max: 7 }), (rows, size) => {
        const writer = jsonWriter();
        const text =
          cut(rows, size)
            .map((page) => writer.text(page))
            .join("") + writer.end();
        expect(JSON.parse(text)).toEqual(rows);
      }),
    );
  });

  it("refuse a name that the header lacks rather than leave a value out", () => {
    const writer = csvWriter([]);
    writer.text([{ a: 1 }]);
    expect(() => writer.text([{ a: 1, b: 2 }])).toThrow("a row has b, which the header lacks");
  });

  it("come from every page once, from numbered parts too", async () => {
    const parts = [[{ i: 0 }, { i: 1 }], [{ i: 2 }, { i: 3 }], []];
    const seen: object[] = [];
    for await (const page of pagesOf(partsAsPages(async (part) => parts[part]!, 2))) seen.push(...page);
    expect(seen).toEqual([{ i: 0 }, { i: 1 }, { i: 2 }, { i: 3 }]);
  });
});
