import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPrng } from "../../../lib/core/prng";
import { inspectLog } from "./damage";
import { openLevelStore } from "./levelStore";

const root = mkdtempSync(join(tmpdir(), "assay-damage-"));
const whole = join(root, "whole");
const ROWS = 60;
let copies = 0;

const fileOf = (directory: string, pattern: RegExp) =>
  join(
    directory,
    readdirSync(directory)
      .filter((name) => pattern.test(name))
      .sort()
      .at(-1)!,
  );

/** Rows of the folder after `change`, or the refusal. */
async function rowsAfter(change: (directory: string) => void): Promise<number | string> {
  const directory = join(root, `copy${copies++}`);
  cpSync(whole, directory, { recursive: true });
  change(directory);
  try {
    const store = await openLevelStore(directory);
    const rows = (await store.keys({ from: "k", to: "l" }, { reverse: false, limit: 1000 })).length;
    await store.close();
    return rows;
  } catch (error) {
    return (error as Error).message;
  }
}

beforeAll(async () => {
  const store = await openLevelStore(whole);
  // Half of the rows reach a table at the second opening, the others stay in the log.
  for (let n = 0; n < ROWS / 2; n++) await store.write([[`k${n}`, "old".repeat(2000)]], { durable: true });
  await store.close();
  const again = await openLevelStore(whole);
  for (let n = ROWS / 2; n < ROWS; n++)
    await again.write([[`k${n}`, `${n} `.repeat(2000)]], { durable: true });
  await again.close();
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("a store's folder", () => {
  it("opens with all that was written before the newest write, wherever a power cut tore that one (D-09)", async () => {
    const log = readFileSync(fileOf(whole, /\.log$/));
    const prng = createPrng(7);
    for (let i = 0; i < 12; i++) {
      const cut = 1 + prng.nextInt(2000);
      const torn = await rowsAfter((directory) =>
        truncateSync(fileOf(directory, /\.log$/), log.length - cut),
      );
      expect(torn).toBe(ROWS - 1);
      const garbled = await rowsAfter((directory) => {
        const bytes = Buffer.from(log);
        for (let k = bytes.length - cut; k < bytes.length; k++) bytes[k] = prng.nextInt(256);
        writeFileSync(fileOf(directory, /\.log$/), bytes);
      });
      expect(garbled).toBe(ROWS - 1);
    }
  });

  it("is refused when an older write of the log is broken, with what to do", async () => {
    const prng = createPrng(8);
    for (let i = 0; i < 12; i++) {
      const refusal = await rowsAfter((directory) => {
        const file = fileOf(directory, /\.log$/);
        const bytes = readFileSync(file);
        const at = prng.nextInt(bytes.length >> 1);
        bytes[at] = bytes[at]! ^ (1 + prng.nextInt(255));
        writeFileSync(file, bytes);
      });
      expect(refusal).toMatch(/is damaged: the log .* broken record.*restore it from a backup/);
    }
  });

  it("opens with everything when it was stopped or killed while the engine wrote a new table, which nothing refers to yet", async () => {
    const left = await rowsAfter((directory) => {
      const table = readFileSync(fileOf(directory, /\.ldb$/));
      writeFileSync(join(directory, "000777.ldb"), table.subarray(0, table.length >> 1));
      writeFileSync(join(directory, "000778.ldb"), "");
    });
    expect(left).toBe(ROWS);
  });

  it("is refused when a table is cut, a table or the manifest is gone, or CURRENT is missing or garbled", async () => {
    const refusals = [
      await rowsAfter((directory) => truncateSync(fileOf(directory, /\.ldb$/), 100)),
      await rowsAfter((directory) => rmSync(fileOf(directory, /\.ldb$/))),
      await rowsAfter((directory) => rmSync(fileOf(directory, /^MANIFEST/))),
      await rowsAfter((directory) => rmSync(join(directory, "CURRENT"))),
      await rowsAfter((directory) => writeFileSync(join(directory, "CURRENT"), "nonsense\n")),
    ];
    for (const refusal of refusals) expect(refusal).toMatch(/is damaged: .*restore it from a backup/);
  });

  it("has no whole record in a log of zeros, and none is torn there", () => {
    expect(inspectLog(Buffer.alloc(100_000))).toEqual({ torn: false, startsAfter: false });
  });
});
