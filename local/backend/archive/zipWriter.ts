import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32, createDeflateRaw } from "node:zlib";
import { DEFLATED, FLAGS, IN_ZIP64, IN_ZIP64_16, SIGNATURES, STORED, ZIP64_EXTRA } from "./zipFormat";

/** Where the archive goes; awaited before the next piece is made, so that memory stays bounded. */
export type Sink = (bytes: Uint8Array) => Promise<void>;
export type Content = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

interface Written {
  name: Buffer;
  method: number;
  crc: number;
  sizeBytes: number;
  packedBytes: number;
  offset: number;
}

/** Documents compress well at the fastest level; a better one costs more time than a disk does. */
const LEVEL = 1;
const VERSION = 45;
const MADE_BY_UNIX = (3 << 8) | VERSION;
const READABLE_FILE = 0o100644 * 0x10000;

function fields(...parts: Array<[bytes: 2 | 4 | 8, value: number]>): Buffer {
  const out = Buffer.alloc(parts.reduce((sum, [bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [bytes, value] of parts) {
    if (bytes === 8) out.writeBigUInt64LE(BigInt(value), at);
    else out.writeUIntLE(value, at, bytes);
    at += bytes;
  }
  return out;
}

/** Date and time in the DOS form that archives carry: two-second steps from 1980 on, in UTC. */
function dosTime(ms: number): [time: number, date: number] {
  const at = new Date(Math.max(ms, Date.UTC(1980, 0, 1)));
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1);
  const date = ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate();
  return [time, date];
}

/**
 * Writes a ZIP archive as a stream: one entry after the other, sizes after the data, ZIP64 fields where a size, an offset or the
 * number of entries needs them. Holds only the list of entries in memory.
 */
export class ZipWriter {
  private offset = 0;
  private readonly written: Written[] = [];
  private readonly stamp: [number, number];

  constructor(
    private readonly sink: Sink,
    modifiedAtMs: number,
    /** Values from here on go into ZIP64 fields. */
    private readonly zip64From = IN_ZIP64,
  ) {
    this.stamp = dosTime(modifiedAtMs);
  }

  private async put(bytes: Uint8Array): Promise<void> {
    this.offset += bytes.byteLength;
    await this.sink(bytes);
  }

  /** Adds one file; `name` is its path with forward slashes. Resolves when its last byte is in the sink. */
  async add(name: string, content: Content, { compress = true } = {}): Promise<void> {
    const entry: Written = {
      name: Buffer.from(name, "utf8"),
      method: compress ? DEFLATED : STORED,
      crc: 0,
      sizeBytes: 0,
      packedBytes: 0,
      offset: this.offset,
    };
    const [time, date] = this.stamp;
    await this.put(fields([4, SIGNATURES.local], [2, VERSION], [2, FLAGS], [2, entry.method]));
    await this.put(fields([2, time], [2, date], [4, 0], [4, 0], [4, 0], [2, entry.name.length], [2, 0]));
    await this.put(entry.name);
    const measured = async function* () {
      for await (const chunk of content) {
        entry.crc = crc32(chunk, entry.crc);
        entry.sizeBytes += chunk.byteLength;
        yield chunk;
      }
    };
    const consume = async (packed: AsyncIterable<Uint8Array>) => {
      for await (const chunk of packed) {
        entry.packedBytes += chunk.byteLength;
        await this.put(chunk);
      }
    };
    if (compress) await pipeline(Readable.from(measured()), createDeflateRaw({ level: LEVEL }), consume);
    else await consume(measured());
    const width = Math.max(entry.sizeBytes, entry.packedBytes) >= this.zip64From ? 8 : 4;
    await this.put(
      fields(
        [4, SIGNATURES.descriptor],
        [4, entry.crc],
        [width, entry.packedBytes],
        [width, entry.sizeBytes],
      ),
    );
    this.written.push(entry);
  }

  private centralRecord(entry: Written): Buffer {
    const [time, date] = this.stamp;
    const large = Math.max(entry.sizeBytes, entry.packedBytes, entry.offset) >= this.zip64From;
    const extra = large
      ? fields([2, ZIP64_EXTRA], [2, 24], [8, entry.sizeBytes], [8, entry.packedBytes], [8, entry.offset])
      : Buffer.alloc(0);
    const shown = (value: number) => (large ? IN_ZIP64 : value);
    return Buffer.concat([
      fields([4, SIGNATURES.central], [2, MADE_BY_UNIX], [2, VERSION], [2, FLAGS], [2, entry.method]),
      fields(
        [2, time],
        [2, date],
        [4, entry.crc],
        [4, shown(entry.packedBytes)],
        [4, shown(entry.sizeBytes)],
      ),
      fields([2, entry.name.length], [2, extra.length], [2, 0], [2, 0], [2, 0], [4, READABLE_FILE]),
      fields([4, shown(entry.offset)]),
      entry.name,
      extra,
    ]);
  }

  /** Writes the directory of the archive; nothing can be added after it. */
  async finish(): Promise<void> {
    const start = this.offset;
    for (const entry of this.written) await this.put(this.centralRecord(entry));
    const bytes = this.offset - start;
    const count = this.written.length;
    const large = Math.max(start, bytes) >= this.zip64From || count >= Math.min(IN_ZIP64_16, this.zip64From);
    if (large) {
      const end64 = this.offset;
      await this.put(fields([4, SIGNATURES.end64], [8, 44], [2, VERSION], [2, VERSION], [4, 0], [4, 0]));
      await this.put(fields([8, count], [8, count], [8, bytes], [8, start]));
      await this.put(fields([4, SIGNATURES.end64Locator], [4, 0], [8, end64], [4, 1]));
    }
    const shownCount = large ? IN_ZIP64_16 : count;
    await this.put(fields([4, SIGNATURES.end], [2, 0], [2, 0], [2, shownCount], [2, shownCount]));
    await this.put(fields([4, large ? IN_ZIP64 : bytes], [4, large ? IN_ZIP64 : start], [2, 0]));
  }
}
