import { describe, expect, it } from "vitest";
import { toCsv } from "./exportRows";

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
