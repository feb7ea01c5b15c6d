import { describe, expect, it } from "vitest";
import { declaredIndexes, type ExportedIndexes } from "./declaredIndexes";

const fields = (count: number) => Array.from({ length: count }, (_, i) => `f${i}`);

function indexed(indexes: Array<[name: string, fields: string[]]>, rest: Partial<ExportedIndexes> = {}) {
  return () =>
    declaredIndexes({
      tableName: "bars",
      indexes: indexes.map(([indexDescriptor, of]) => ({ indexDescriptor, fields: of })),
      ...rest,
    });
}

describe("the indexes that a schema declares", () => {
  it("are at most 32 a table of all kinds together, with at most 16 fields each", () => {
    const many = Array.from({ length: 31 }, (_, i): [string, string[]] => [`by_${i}`, [`f${i}`]]);
    const search = { indexDescriptor: "search_body", searchField: "body", filterFields: [] };
    expect(indexed(many, { searchIndexes: [search] })().size).toBe(32);
    expect(indexed([...many, ["by_31", ["a"]]], { searchIndexes: [search] })).toThrow(
      'Table "bars" cannot have more than 32 indexes.',
    );
    expect(indexed([["by_all", fields(16)]])().size).toBe(1);
    expect(indexed([["by_all", fields(17)]])).toThrow(
      'In table "bars" index "by_all": Indexes may have up to 16 fields; it has 17.',
    );
  });

  it("have fields of their own, each once, and no field of the system's", () => {
    expect(indexed([["by_none", []]])).toThrow('index "by_none" must have at least one field.');
    expect(indexed([["by_twice", ["a", "b", "a"]]])).toThrow(
      "Duplicate field a. Index fields must be unique within an index.",
    );
    expect(indexed([["by_time", ["a", "_creationTime"]]])).toThrow(
      "`_creationTime` is automatically added to the end of each index.",
    );
    expect(indexed([["by_own", ["_id"]]])).toThrow("Reserved fields (starting with `_`) are not allowed");
  });

  it("have a name that is an identifier of 64 characters, not reserved, and not taken", () => {
    expect(indexed([["x".repeat(64), ["a"]]])().size).toBe(1);
    for (const name of ["x".repeat(65), "by-colour", "1st", ""]) {
      expect(indexed([[name, ["a"]]])).toThrow(
        `Invalid index name: "${name}". Identifiers must be 64 characters or less, start with a letter`,
      );
    }
    for (const name of ["_own", "by_id", "by_creation_time"]) {
      expect(indexed([[name, ["a"]]])).toThrow(
        `cannot name an index "${name}" because the name is reserved.`,
      );
    }
    expect(
      indexed([
        ["by_a", ["a"]],
        ["by_a", ["b"]],
      ]),
    ).toThrow('Table "bars" has two or more definitions of index "by_a".');
  });

  it("filter a search by at most 16 fields, and vectors have 2 to 4096 dimensions", () => {
    const search = (count: number) => ({
      searchIndexes: [{ indexDescriptor: "s", searchField: "body", filterFields: fields(count) }],
    });
    expect(indexed([], search(16))().size).toBe(1);
    expect(indexed([], search(17))).toThrow("search indexes may have up to 16");
    const vector = (dimensions: number, count = 0) => ({
      vectorIndexes: [{ indexDescriptor: "v", vectorField: "v", dimensions, filterFields: fields(count) }],
    });
    for (const dimensions of [2, 4096]) expect(indexed([], vector(dimensions))().size).toBe(1);
    for (const dimensions of [1, 4097, 2.5]) {
      expect(indexed([], vector(dimensions))).toThrow("it must have between 2 and 4096");
    }
    expect(indexed([], vector(2, 17))).toThrow("vector indexes may have up to 16");
  });
});
