import { createReadStream, mkdirSync, rmSync } from "node:fs";
import { type FileHandle, open, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type Content, ZipWriter } from "../archive/zipWriter";
import type { Backend } from "../backend";
import type { Namespace } from "../catalog/catalog";
import { RequestError } from "../runtime/errors";
import type { DatabaseSnapshot } from "../transaction/snapshot";
import { scanTable } from "../transaction/tableScan";
import { encodeInt64, type JsonObject } from "../values/encoded";
import { toExportJson } from "./exportJson";
import { commitState, readState } from "./state";
import type { SystemCall } from "./systemFunctions";

const EXPORT_KEY = "m/export";
const CHUNK_CHARS = 1 << 16;
const README = `This ZIP file is a snapshot of the tables of a deployment, in the layout of Convex's exports: the documents of a table are lines of
JSON in <table>/documents.jsonl, stored files are in _storage/. Read it with: npx convex import --replace-all <this file>
`;

async function* inChunks(lines: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Buffer> {
  let text = "";
  for await (const line of lines) {
    text += `${line}\n`;
    if (text.length < CHUNK_CHARS) continue;
    yield Buffer.from(text, "utf8");
    text = "";
  }
  if (text !== "") yield Buffer.from(text, "utf8");
}

/** Where a namespace's tables stand in the archive: `_components/<name>/` for each step. */
function folderOf({ path }: Namespace): string {
  return path
    .split("/")
    .map((name) => (name === "" ? "" : `_components/${name}/`))
    .join("");
}

/** A snapshot of all tables, taken at one moment, while the backend goes on serving. */
export class Exports {
  private running = false;

  constructor(
    private readonly backend: Backend,
    private readonly directory: string,
  ) {}

  /** An export does not outlive the process that made it. */
  async open(): Promise<void> {
    rmSync(this.directory, { recursive: true, force: true });
    if (this.backend.store.get(EXPORT_KEY) !== undefined) await commitState(this.backend, EXPORT_KEY, null);
  }

  /** Answer of `_system/cli/exports:getLatest`. */
  readonly latest = ({ tx }: SystemCall): JsonObject | null => {
    const state = readState(tx, EXPORT_KEY);
    if (state?.state !== "completed") return state;
    const [startTs, completeTs] = [state.startTs, state.completeTs] as [string, string];
    return {
      state: "completed",
      start_ts: encodeInt64(BigInt(startTs)),
      complete_ts: encodeInt64(BigInt(completeTs)),
      zip_object_key: this.pathOf(startTs),
    };
  };

  private pathOf(startTs: string): string {
    return join(this.directory, `snapshot_${startTs}.zip`);
  }

  /** Starts an export; it goes on after this resolves. Throws RequestError 400 while another runs. */
  async request(includeFiles: boolean): Promise<void> {
    if (this.running)
      throw new RequestError(400, "ExportInProgress", "An export is running. Wait until it is done.");
    this.running = true;
    await commitState(this.backend, EXPORT_KEY, { state: "in_progress" }).catch((error) => {
      this.running = false;
      throw error;
    });
    void this.run(includeFiles)
      .catch(async (error) => {
        this.backend.log("error", "export.failed", { error: (error as Error)?.stack ?? String(error) });
        await commitState(this.backend, EXPORT_KEY, { state: "failed" });
      })
      .catch(() => undefined)
      .finally(() => (this.running = false));
  }

  private async run(includeFiles: boolean): Promise<void> {
    const { backend } = this;
    const startedAtMs = backend.ports.now();
    // Files named by the snapshot stay until they are copied.
    const letGo = backend.files.holdRemovals();
    const snapshot = backend.committer.snapshot();
    const startTs = snapshot.ts.toString();
    let file: FileHandle | null = null;
    try {
      rmSync(this.directory, { recursive: true, force: true });
      mkdirSync(this.directory, { recursive: true });
      const handle = await open(`${this.pathOf(startTs)}.partial`, "wx");
      file = handle;
      const zip = new ZipWriter((bytes) => handle.writeFile(bytes), startedAtMs);
      const documents = await this.write(zip, snapshot, includeFiles);
      await zip.finish();
      await handle.sync();
      await rename(`${this.pathOf(startTs)}.partial`, this.pathOf(startTs));
      const tookMs = Math.round(backend.ports.now() - startedAtMs);
      backend.log("info", "export.completed", { documents, tookMs, ts: startTs });
    } catch (error) {
      rmSync(this.directory, { recursive: true, force: true });
      throw error;
    } finally {
      await file?.close();
      snapshot.release();
      letGo();
    }
    const completeTs = backend.committer.publishedTs.toString();
    await commitState(backend, EXPORT_KEY, { state: "completed", startTs, completeTs });
  }

  /** Writes every table of the app and of its mounted components; returns the number of documents. */
  private async write(zip: ZipWriter, snapshot: DatabaseSnapshot, includeFiles: boolean): Promise<number> {
    const namespaces = [...this.backend.components.all()].map(({ namespace }) => namespace);
    const tables = namespaces.map((namespace) => ({
      folder: folderOf(namespace),
      storage: namespace.systemTable("_storage"),
      tables: [...namespace.byName.values()].filter(({ name }) => !name.startsWith("_")),
    }));
    const blobs = this.backend.catalog.root.systemTable("_file_blobs");
    const lines = (text: Iterable<string> | AsyncIterable<string>): Content => inChunks(text);
    await zip.add("README.md", [Buffer.from(README)]);
    for (const { folder, tables: own } of tables) {
      const numbers = own.map(({ name, number }) => JSON.stringify({ name, id: number }));
      await zip.add(`${folder}_tables/documents.jsonl`, lines(numbers));
    }
    let count = 0;
    for (const { folder, tables: own } of tables) {
      for (const table of own) {
        const exported = async function* () {
          for await (const text of scanTable(snapshot, table)) {
            count++;
            yield toExportJson(text);
          }
        };
        await zip.add(`${folder}${table.name}/documents.jsonl`, lines(exported()));
        await zip.add(`${folder}${table.name}/generated_schema.jsonl`, [Buffer.from('"uniform"\n')]);
      }
    }
    if (!includeFiles) return count;
    const uuids = new Map<string, string>();
    for await (const text of scanTable(snapshot, blobs)) {
      const { storageId, uuid, component } = JSON.parse(text) as Record<string, string>;
      uuids.set(`${component} ${storageId}`, uuid!);
    }
    for (const { folder, storage } of tables) {
      const uuidOf = (storageId: string) => uuids.get(`${storage.namespace} ${storageId}`)!;
      const described = async function* () {
        for await (const text of scanTable(snapshot, storage)) {
          const row = JSON.parse(text) as JsonObject;
          yield JSON.stringify({ ...row, internalId: uuidOf(row._id as string) });
        }
      };
      await zip.add(`${folder}_storage/documents.jsonl`, lines(described()));
      for await (const text of scanTable(snapshot, storage)) {
        const { _id, size } = JSON.parse(text) as { _id: string; size: number };
        const content = this.backend.files.bytes(uuidOf(_id), size);
        await zip.add(`${folder}_storage/${_id}`, content);
      }
    }
    return count;
  }

  /** The finished archive of that timestamp. Throws RequestError 404. */
  async download(startTs: string): Promise<{ content: Readable; sizeBytes: number }> {
    const path = this.pathOf(startTs);
    try {
      return { sizeBytes: (await stat(path)).size, content: createReadStream(path) };
    } catch {
      throw new RequestError(404, "ExportNotFound", "There is no such export any more; request a new one.");
    }
  }
}
