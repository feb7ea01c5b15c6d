import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { crc32, createInflateRaw } from "node:zlib";
import { DEFLATED, ENCRYPTED, IN_ZIP64, IN_ZIP64_16, SIGNATURES, STORED, ZIP64_EXTRA } from "./zipFormat";

export interface ZipEntry {
  name: string;
  method: number;
  flags: number;
  crc: number;
  sizeBytes: number;
  packedBytes: number;
  /** Of the entry's local header. */
  offset: number;
}

/** The archive, or one entry of it, is not what it says. */
export class ZipError extends Error {}

const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const MAX_COMMENT_BYTES = 0xffff;

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
  if (bytesRead < length) throw new ZipError("The archive is cut short.");
  return buffer;
}

/** The ZIP64 values of a central record, in the order in which its 32-bit fields defer to them. */
function applyZip64(entry: ZipEntry, extra: Buffer): void {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== ZIP64_EXTRA) continue;
    let next = at + 4;
    for (const field of ["sizeBytes", "packedBytes", "offset"] as const) {
      if (entry[field] !== IN_ZIP64) continue;
      entry[field] = Number(extra.readBigUInt64LE(next));
      next += 8;
    }
    return;
  }
}

function parseDirectory(directory: Buffer, count: number): ZipEntry[] {
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_BYTES > directory.length || directory.readUInt32LE(at) !== SIGNATURES.central)
      throw new ZipError("The archive's directory is damaged.");
    const nameBytes = directory.readUInt16LE(at + 28);
    const extraBytes = directory.readUInt16LE(at + 30);
    const commentBytes = directory.readUInt16LE(at + 32);
    const nameAt = at + CENTRAL_BYTES;
    const entry: ZipEntry = {
      name: directory.toString("utf8", nameAt, nameAt + nameBytes),
      flags: directory.readUInt16LE(at + 8),
      method: directory.readUInt16LE(at + 10),
      crc: directory.readUInt32LE(at + 16),
      packedBytes: directory.readUInt32LE(at + 20),
      sizeBytes: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    };
    applyZip64(entry, directory.subarray(nameAt + nameBytes, nameAt + nameBytes + extraBytes));
    entries.push(entry);
    at = nameAt + nameBytes + extraBytes + commentBytes;
  }
  return entries;
}

/** Reads entries of a ZIP file in any order, each as a stream that is checked against its length and CRC-32. */
export class ZipReader {
  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    readonly entries: ZipEntry[],
  ) {}

  /** Reads the directory. Throws ZipError when the file is no complete archive. */
  static async open(path: string): Promise<ZipReader> {
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      const tailBytes = Math.min(size, END_BYTES + MAX_COMMENT_BYTES);
      const tail = await readAt(file, size - tailBytes, tailBytes);
      let end = tail.length - END_BYTES;
      while (end >= 0 && tail.readUInt32LE(end) !== SIGNATURES.end) end--;
      if (end < 0) throw new ZipError("The file is not a ZIP archive, or its end is missing.");
      let count = tail.readUInt16LE(end + 10);
      let bytes = tail.readUInt32LE(end + 12);
      let start = tail.readUInt32LE(end + 16);
      if (count === IN_ZIP64_16 || bytes === IN_ZIP64 || start === IN_ZIP64) {
        const locatorAt = size - tailBytes + end - LOCATOR_BYTES;
        const locator = await readAt(file, locatorAt, LOCATOR_BYTES);
        if (locator.readUInt32LE(0) !== SIGNATURES.end64Locator)
          throw new ZipError("The archive's directory is damaged.");
        const end64 = await readAt(file, Number(locator.readBigUInt64LE(8)), 56);
        count = Number(end64.readBigUInt64LE(32));
        bytes = Number(end64.readBigUInt64LE(40));
        start = Number(end64.readBigUInt64LE(48));
      }
      if (start + bytes > size) throw new ZipError("The archive is cut short.");
      return new ZipReader(path, file, parseDirectory(await readAt(file, start, bytes), count));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.file.close();
  }

  /** The entry's bytes. Throws ZipError, at the latest at the end, when they are not those that were written. */
  async *read(entry: ZipEntry): AsyncGenerator<Buffer> {
    const { name, method, packedBytes, sizeBytes } = entry;
    if (entry.flags & ENCRYPTED) throw new ZipError(`The entry ${name} is encrypted.`);
    if (method !== STORED && method !== DEFLATED)
      throw new ZipError(`The entry ${name} is compressed with method ${method}; only deflate is read.`);
    const header = await readAt(this.file, entry.offset, LOCAL_BYTES);
    if (header.readUInt32LE(0) !== SIGNATURES.local) throw new ZipError(`The entry ${name} is damaged.`);
    const start = entry.offset + LOCAL_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
    let crc = 0;
    let length = 0;
    if (packedBytes > 0) {
      const packed = createReadStream(this.path, { start, end: start + packedBytes - 1 });
      const content = method === STORED ? packed : packed.pipe(createInflateRaw());
      packed.on("error", (error) => content.destroy(error));
      try {
        for await (const chunk of content as AsyncIterable<Buffer>) {
          crc = crc32(chunk, crc);
          length += chunk.length;
          if (length > sizeBytes) break;
          yield chunk;
        }
      } catch (error) {
        throw new ZipError(`The entry ${name} is damaged: ${(error as Error).message}`);
      } finally {
        packed.destroy();
      }
    }
    if (length !== sizeBytes || crc !== entry.crc)
      throw new ZipError(`The entry ${name} is damaged: its checksum does not match.`);
  }
}

/** Lines of a byte stream, without their ends. A line may be as long as memory allows. */
export async function* linesOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  for await (const chunk of content) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}
