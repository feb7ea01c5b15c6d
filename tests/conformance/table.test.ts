import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { DIFFERENCES } from "./differences";

const folder = fileURLToPath(new URL(".", import.meta.url));
const sources = readdirSync(folder)
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => readFileSync(`${folder}${name}`, "utf8"));

describe("the table of differences", () => {
  it("names cases that exist", () => {
    const titles = Object.values(DIFFERENCES).flatMap((reasons) => Object.keys(reasons));
    expect(titles.filter((title) => !sources.some((text) => text.includes(`"${title}"`)))).toEqual([]);
  });
});
