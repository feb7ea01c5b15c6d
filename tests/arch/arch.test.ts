import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkTree } from "./checkTree";
import { LAYER_RULES } from "./layers";
import { SOURCE_RULES } from "./rules";
import { MAX_BYTES } from "./rules/hygiene";
import { loadTree } from "./sourceTree";

const fixtures = join(import.meta.dirname, "fixtures");
/** Its fixture would be the large file that it refuses; it is written for the time of the test below. */
const WITHOUT_FIXTURE = "no-large-files";
const allRules = [...LAYER_RULES, ...SOURCE_RULES.map(({ name }) => name)];

/** The fixture's files that say, in their first line, that they must be refused. */
function filesToRefuse(root: string): string[] {
  return loadTree(root)
    .files.map(({ path }) => path)
    .filter((path) => /^(\/\/|<!--) refused/.test(readFileSync(join(root, path), "utf8")));
}

describe("architecture rules", () => {
  it("each have a fixture, and each fixture a rule", () => {
    const named = readdirSync(fixtures).sort();
    expect(named).toEqual(allRules.filter((name) => name !== WITHOUT_FIXTURE).sort());
  });

  it.each(allRules.filter((name) => name !== WITHOUT_FIXTURE))(
    "%s refuses the offending files of its fixture and accepts the others",
    async (name) => {
      const root = join(fixtures, name);
      const { findings } = await checkTree(root);
      const refused = findings.filter(({ rule }) => rule === name).map(({ path }) => path);
      const expected = filesToRefuse(root);
      expect(expected.length).toBeGreaterThan(0);
      expect([...new Set(refused)].sort()).toEqual(expected);
    },
  );

  it("no-large-files refuses a file one byte over the limit and accepts one at it", async () => {
    const root = mkdtempSync(join(tmpdir(), "assay-arch-"));
    try {
      mkdirSync(join(root, "bench"));
      writeFileSync(join(root, "bench/candles.csv"), "1".repeat(MAX_BYTES + 1));
      writeFileSync(join(root, "bench/bars.csv"), "1".repeat(MAX_BYTES));
      const { findings } = await checkTree(root);
      expect(findings.map(({ path, rule }) => `${path} ${rule}`)).toEqual([
        "bench/candles.csv no-large-files",
      ]);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
