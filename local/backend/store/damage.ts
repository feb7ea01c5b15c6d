import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync, statSync } from "node:fs";
import { join } from "node:path";

/** LevelDB's log format: blocks of 32 KiB, in them records of a masked CRC-32C, a length, a type and the data. */
const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;
const FULL = 1;
const FIRST = 2;
const LAST_TYPE = 4;
/** The fields of a manifest's record that have to be read to find the tables in it, by their tags. */
const TAG = { text: 1, numbers: [2, 3, 4, 9], compactPointer: 5, deletedFile: 6, newFile: 7 } as const;
/** The last eight bytes of every table file. */
const TABLE_MAGIC = Buffer.from("57fb808b247547db", "hex");

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

function maskedCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  crc = ~crc >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/**
 * Walks a log. `torn` says that it holds something that is no whole record; `startsAfter` that a later record starts whole.
 * A batch is written only after the one before it is on the disk, so a whole batch after a broken one means damage, while a
 * broken one at the end is a write that a power cut interrupted and nobody was told of.
 */
export function inspectLog(log: Buffer): { torn: boolean; startsAfter: boolean } {
  let torn = false;
  for (let block = 0; block < log.length; block += BLOCK_BYTES) {
    const end = Math.min(block + BLOCK_BYTES, log.length);
    let at = block;
    while (at + HEADER_BYTES <= end) {
      const length = log.readUInt16LE(at + 4);
      const type = log[at + 6]!;
      const next = at + HEADER_BYTES + length;
      // Trailing zeros are no record.
      if (type === 0 && length === 0 && !torn) break;
      const isWhole: boolean =
        type >= FULL &&
        type <= LAST_TYPE &&
        next <= end &&
        // Once torn, only a record that starts something matters, wherever it lies: the broken one's length is worth nothing.
        (!torn || type <= FIRST) &&
        maskedCrc32c(log.subarray(at + 6, next)) === log.readUInt32LE(at);
      if (isWhole && torn) return { torn, startsAfter: true };
      torn ||= !isWhole;
      at = isWhole ? next : at + 1;
    }
  }
  return { torn, startsAfter: false };
}

/** What the whole records of a log hold, up to the first that is not whole. */
function* recordsOf(log: Buffer): Generator<Buffer> {
  let parts: Buffer[] = [];
  for (let at = 0; at + HEADER_BYTES <= log.length; ) {
    const room = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (room < HEADER_BYTES) {
      at += room;
      continue;
    }
    const length = log.readUInt16LE(at + 4);
    const type = log[at + 6]!;
    const next = at + HEADER_BYTES + length;
    if (type < FULL || type > LAST_TYPE || next > log.length) return;
    if (maskedCrc32c(log.subarray(at + 6, next)) !== log.readUInt32LE(at)) return;
    if (type <= FIRST) parts = [];
    parts.push(log.subarray(at + HEADER_BYTES, next));
    if (type === FULL || type === LAST_TYPE) yield Buffer.concat(parts);
    at = next;
  }
}

/**
 * Size in bytes of each table that a manifest says is part of the store, by number. Every other table in the folder is one that the
 * engine was writing, or had replaced, when the process ended; it deletes those when it opens.
 */
export function liveTables(manifest: Buffer): Map<number, number> {
  const live = new Map<number, number>();
  for (const record of recordsOf(manifest)) {
    let at = 0;
    const number = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = record[at++]!;
        value += (byte & 127) * scale;
        if (byte < 128) return value;
      }
    };
    const skipText = () => {
      const length = number();
      at += length;
    };
    while (at < record.length) {
      const tag = number();
      if (tag === TAG.text) skipText();
      else if ((TAG.numbers as readonly number[]).includes(tag)) number();
      else if (tag === TAG.compactPointer) {
        number();
        skipText();
      } else if (tag === TAG.deletedFile) {
        number();
        live.delete(number());
      } else if (tag === TAG.newFile) {
        number();
        const file = number();
        live.set(file, number());
        skipText();
        skipText();
      } else break;
    }
  }
  return live;
}

function endsAsTable(file: string): boolean {
  const { size } = statSync(file);
  if (size < TABLE_MAGIC.length) return false;
  const handle = openSync(file, "r");
  try {
    const tail = Buffer.alloc(TABLE_MAGIC.length);
    readSync(handle, tail, 0, tail.length, size - tail.length);
    return tail.equals(TABLE_MAGIC);
  } finally {
    closeSync(handle);
  }
}

/**
 * What is wrong with a store's folder that the engine would open without a word, losing what was acknowledged; null when
 * nothing is. Reads the logs (at most some tens of MiB), the manifest and the end of each table.
 */
export function findDamage(directory: string): string | null {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  const logs = names.filter((name) => /^\d+\.log$/.test(name)).sort();
  const tables = names.filter((name) => /^\d+\.(ldb|sst)$/.test(name));
  if (!names.includes("CURRENT")) {
    return logs.length + tables.length > 0 ? "the file CURRENT is missing" : null;
  }
  const manifest = readFileSync(join(directory, "CURRENT"), "utf8").trim();
  // That there is such a manifest is the engine's to check.
  const isThere = /^MANIFEST-\d+$/.test(manifest) && names.includes(manifest);
  const liveSizes = isThere ? liveTables(readFileSync(join(directory, manifest))) : new Map<number, number>();
  for (const name of tables) {
    const file = join(directory, name);
    const sizeBytes = liveSizes.get(Number.parseInt(name, 10));
    if (sizeBytes !== undefined && (statSync(file).size < sizeBytes || !endsAsTable(file)))
      return `the table ${name} is cut short`;
  }
  for (const name of logs) {
    const { torn, startsAfter } = inspectLog(readFileSync(join(directory, name)));
    if (torn && (startsAfter || name !== logs.at(-1)))
      return `the log ${name} has a broken record among whole ones`;
  }
  return null;
}
