import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCsvRecord, recordsOf } from "./csv";

async function* linesIn(text: string) {
  yield* text.split("\n");
}

const cell = fc.string({ unit: fc.constantFrom("a", "1", ",", '"', "\n", "\r", " ") });
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

describe("CSV", () => {
  it("gives back the cells that were written, whatever they hold", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { minLength: 1 }),
        async (rows) => {
          const text = rows.map((cells) => cells.map(quoted).join(",")).join("\r\n");
          const read: string[][] = [];
          for await (const record of recordsOf(linesIn(text))) read.push(parseCsvRecord(record));
          expect(read).toEqual(rows);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("reads bare cells, empty ones too, and refuses misplaced and open quotes", async () => {
    expect(parseCsvRecord("a,,c")).toEqual(["a", "", "c"]);
    expect(() => parseCsvRecord('a,b"c')).toThrow(/Cell 2 has a quote in the wrong place/);
    const open = async () => {
      for await (const _ of recordsOf(linesIn('"a'))) throw new Error("not reached");
    };
    await expect(open()).rejects.toThrow(/no closing quote/);
  });
});
