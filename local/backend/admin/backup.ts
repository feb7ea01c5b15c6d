import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { linesOf, type ZipEntry, ZipError, ZipReader } from "../archive/zipReader";
import { type Content, type Sink, ZipWriter } from "../archive/zipWriter";
import { Catalog } from "../catalog/catalog";
import type { FileShelf } from "../store/disk";
import { folderDisk } from "../store/folderDisk";
import { OperatorError, type StoreReader, type StoreWrite } from "../store/store";
import { scanRows, scanTable } from "../transaction/tableScan";

/**
 * A backup is a ZIP archive of every row of the store (documents, index rows, catalog, variables, scheduled jobs, request records) and
 * every uploaded file, with the SHA-256 of each entry in its last one. A desk restored from it is where it was at that moment.
 */
const MANIFEST = "manifest.json";
const FORMAT = 1;
const ROWS_PER_FILE_CHARS = 32 << 20;
const CHUNK_CHARS = 1 << 16;
const WRITE_CHARS = 4 << 20;
const LAST_KEY = "\xff".repeat(64);

interface Manifest {
  format: number;
  createdAtMs: number;
  entries: Array<{ name: string; sizeBytes: number; sha256: string }>;
}

/** What a backup is made of: one state of the store and the files it names, which stay while it is written. */
export interface BackupSource {
  rows: Pick<StoreReader, "entries">;
  /** The store's catalog row. */
  catalog: string | undefined;
  files: FileShelf;
}

async function* storedUuids({ rows, catalog }: BackupSource): AsyncGenerator<string> {
  const blobs = new Catalog(catalog).root.systemTable("_file_blobs");
  for await (const text of scanTable(rows, blobs)) yield (JSON.parse(text) as { uuid: string }).uuid;
}

async function sizeOf(files: FileShelf, name: string): Promise<number> {
  return (await files.blob(name, "")).size;
}

/** Streams a backup into a sink; memory stays bounded. Returns the number of rows. */
export async function writeBackup(source: BackupSource, sink: Sink, nowMs: number): Promise<number> {
  const zip = new ZipWriter(sink, nowMs);
  const manifest: Manifest = { format: FORMAT, createdAtMs: nowMs, entries: [] };
  const add = async (name: string, content: Content) => {
    const hash = createHash("sha256");
    let sizeBytes = 0;
    const hashed = async function* () {
      for await (const chunk of content) {
        hash.update(chunk);
        sizeBytes += chunk.byteLength;
        yield chunk;
      }
    };
    await zip.add(name, hashed());
    manifest.entries.push({ name, sizeBytes, sha256: hash.digest("hex") });
  };
  let rows = 0;
  const blocks = scanRows(source.rows, "", LAST_KEY);
  let isDone = false;
  /** Rows as lines until one file's worth of them is written. */
  const someRows = async function* () {
    let text = "";
    let chars = 0;
    while (chars < ROWS_PER_FILE_CHARS) {
      const { value: block, done } = await blocks.next();
      if (done) {
        isDone = true;
        break;
      }
      for (const row of block) text += `${JSON.stringify(row)}\n`;
      rows += block.length;
      if (text.length < CHUNK_CHARS) continue;
      chars += text.length;
      yield Buffer.from(text, "utf8");
      text = "";
    }
    if (text !== "") yield Buffer.from(text, "utf8");
  };
  for (let part = 1; !isDone; part++) {
    await add(`store/${String(part).padStart(6, "0")}.jsonl`, someRows());
  }
  for await (const uuid of storedUuids(source)) {
    const sizeBytes = await sizeOf(source.files, uuid);
    await add(`files/${uuid}`, sizeBytes === 0 ? [] : source.files.read(uuid, 0, sizeBytes - 1));
  }
  await zip.add(MANIFEST, [Buffer.from(JSON.stringify(manifest))]);
  await zip.finish();
  return rows;
}

function damaged(path: string, what: string): OperatorError {
  return new OperatorError(`The backup ${path} is damaged: ${what} Nothing was restored from it.`);
}

/** What reads a backup's entries hands their bytes on, and hears how many rows and files there were. */
interface BackupTarget {
  row(key: string, value: string): Promise<void>;
  file(uuid: string, bytes: AsyncIterable<Uint8Array>): Promise<void>;
}

async function manifestOf(zip: ZipReader, path: string): Promise<Manifest> {
  const entry = zip.entries.find(({ name }) => name === MANIFEST);
  if (!entry) throw damaged(path, `it has no ${MANIFEST}.`);
  const chunks: Buffer[] = [];
  for await (const chunk of zip.read(entry)) chunks.push(chunk);
  const manifest = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Manifest;
  if (manifest.format === FORMAT) return manifest;
  throw new OperatorError(
    `The backup ${path} has format ${manifest.format}, and this backend reads format ${FORMAT}.`,
  );
}

/** Reads a whole backup, checking every entry against the manifest. Throws OperatorError naming the entry that does not match. */
async function readBackup(path: string, target: BackupTarget): Promise<{ rows: number; files: number }> {
  let zip: ZipReader;
  try {
    zip = await ZipReader.open(path);
  } catch (error) {
    if (error instanceof ZipError) throw damaged(path, error.message);
    throw new OperatorError(`The backup ${path} cannot be read: ${(error as Error).message}`);
  }
  try {
    const manifest = await manifestOf(zip, path);
    const present = new Map<string, ZipEntry>(zip.entries.map((entry) => [entry.name, entry]));
    let rows = 0;
    let files = 0;
    for (const { name, sha256 } of manifest.entries) {
      const entry = present.get(name);
      if (!entry) throw damaged(path, `${name} is missing.`);
      const hash = createHash("sha256");
      const hashed = async function* () {
        for await (const chunk of zip.read(entry)) {
          hash.update(chunk);
          yield chunk;
        }
      };
      if (name.startsWith("store/")) {
        for await (const line of linesOf(hashed())) {
          const [key, value] = JSON.parse(line) as [string, string];
          rows++;
          await target.row(key, value);
        }
      } else {
        files++;
        await target.file(name.slice("files/".length), hashed());
      }
      if (hash.digest("hex") !== sha256) throw damaged(path, `the checksum of ${name} does not match.`);
    }
    return { rows, files };
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw damaged(path, (error as Error).message);
  } finally {
    await zip.close();
  }
}

/** Reads a backup without restoring it. Throws OperatorError when anything in it is damaged. */
export function verifyBackup(path: string): Promise<{ rows: number; files: number }> {
  return readBackup(path, {
    async row() {},
    async file(_, bytes) {
      for await (const _chunk of bytes);
    },
  });
}

/** Restores a backup into a folder that is empty or not there. Throws OperatorError; then the folder is as it was. */
export async function restoreBackup(path: string, dataDir: string): Promise<{ rows: number; files: number }> {
  if (existsSync(dataDir) && readdirSync(dataDir).length > 0)
    throw new OperatorError(`The folder ${dataDir} is not empty. Restore into a new one.`);
  const partial = `${dataDir.replace(/\/+$/, "")}.restoring`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  try {
    const disk = folderDisk(partial);
    await disk.files.open();
    const store = await disk.openStore();
    let writes: StoreWrite[] = [];
    let chars = 0;
    const flush = async () => {
      await store.write(writes, { durable: true });
      writes = [];
      chars = 0;
    };
    const counts = await readBackup(path, {
      async row(key, value) {
        writes.push([key, value]);
        chars += key.length + value.length;
        if (chars >= WRITE_CHARS) await flush();
      },
      async file(uuid, bytes) {
        const writer = await disk.files.create(uuid);
        try {
          for await (const chunk of bytes) await writer.write(chunk);
        } catch (error) {
          await writer.discard();
          throw error;
        }
        await writer.keep();
      },
    })
      .then(async (read) => {
        await flush();
        return read;
      })
      .finally(() => store.close());
    if (existsSync(dataDir)) rmdirSync(dataDir);
    await rename(partial, dataDir);
    const parent = await open(dirname(dataDir) || ".", "r");
    await parent.sync().finally(() => parent.close());
    return counts;
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}
