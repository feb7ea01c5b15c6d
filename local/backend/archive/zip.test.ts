import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { linesOf, ZipError, ZipReader } from "./zipReader";
import { ZipWriter } from "./zipWriter";

const folder = mkdtempSync(join(tmpdir(), "assay-zip-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function write(path: string, files: Array<[string, Buffer, boolean]>, zip64From?: number) {
  const pieces: Uint8Array[] = [];
  const writer = new ZipWriter(async (bytes) => void pieces.push(Buffer.from(bytes)), 1.7e12, zip64From);
  for (const [name, bytes, compress] of files) {
    await writer.add(name, [bytes.subarray(0, 3), bytes.subarray(3)], { compress });
  }
  await writer.finish();
  writeFileSync(path, Buffer.concat(pieces));
}

async function readAll(path: string): Promise<Array<[string, Buffer]>> {
  const zip = await ZipReader.open(path);
  try {
    const out: Array<[string, Buffer]> = [];
    for (const entry of zip.entries) {
      const chunks: Buffer[] = [];
      for await (const chunk of zip.read(entry)) chunks.push(chunk);
      out.push([entry.name, Buffer.concat(chunks)]);
    }
    return out;
  } finally {
    await zip.close();
  }
}

describe("a ZIP archive", () => {
  it("gives back every entry that was written, with 32-bit and with ZIP64 fields", async () => {
    const files = fc.array(
      fc.tuple(
        fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
        fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
        fc.boolean(),
      ),
      { maxLength: 6 },
    );
    const path = join(folder, "property.zip");
    await fc.assert(
      fc.asyncProperty(files, fc.constantFrom(undefined, 1, 100), async (given, zip64From) => {
        await write(path, given, zip64From);
        expect(await readAll(path)).toEqual(given.map(([name, bytes]) => [name, bytes]));
      }),
      { numRuns: 60 },
    );
  });

  it("is refused, naming the entry, when any of its data bytes changed", async () => {
    const path = join(folder, "damaged.zip");
    const text = Buffer.from("some text that is long enough to be found again".repeat(20));
    await write(path, [
      ["first", text, true],
      ["second", text, false],
    ]);
    const good = readFileSync(path);
    for (const [at, name] of [
      [60, "first"],
      [good.indexOf("some text that"), "second"],
    ] as const) {
      const bad = Buffer.from(good);
      bad[at]! ^= 0xff;
      writeFileSync(path, bad);
      await expect(readAll(path)).rejects.toThrow(new RegExp(`The entry ${name} is damaged`));
    }
  });

  it("is refused when its end is cut off, and when it is something else", async () => {
    const path = join(folder, "cut.zip");
    await write(path, [["a", Buffer.from("abc"), true]]);
    const good = readFileSync(path);
    for (const length of [0, 10, good.length - 1]) {
      writeFileSync(path, good.subarray(0, length));
      await expect(ZipReader.open(path)).rejects.toThrow(ZipError);
    }
    writeFileSync(path, "this is text");
    await expect(ZipReader.open(path)).rejects.toThrow(/not a ZIP archive/);
  });

  it("splits into the same lines wherever the chunks end, inside a character too", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: "grapheme" })),
        fc.integer({ min: 1, max: 7 }),
        async (given, step) => {
          const lines = given.map((line) => line.replaceAll("\n", ""));
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
          async function* chunks() {
            for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
          }
          const out: string[] = [];
          for await (const line of linesOf(chunks())) out.push(line);
          expect(out).toEqual(lines);
        },
      ),
      { numRuns: 50 },
    );
  });
});
