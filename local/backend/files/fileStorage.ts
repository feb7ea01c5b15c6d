import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { Readable } from "node:stream";
import type { Backend } from "../backend";
import type { Namespace, TableDefinition } from "../catalog/catalog";
import { RequestError } from "../runtime/errors";
import type { FileShelf } from "../store/disk";
import { QueryStream } from "../transaction/queryStream";
import { scanTable } from "../transaction/tableScan";
import type { Transaction } from "../transaction/transaction";
import type { JsonObject } from "../values/encoded";
import { decodeId } from "../values/ids";

const UPLOAD_TOKEN_MS = 60 * 60 * 1000;
const SECRET_KEY = "m/secret";

/** A stored file as its two rows describe it. */
export interface StoredFile {
  uuid: string;
  sha256Base64: string;
  sizeBytes: number;
  contentType: string | null;
}

const DISK_REFUSALS = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EROFS"]);

/** What the client of an upload is told when the disk does not take it. */
function ofDisk(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined || !DISK_REFUSALS.has(code)) return error;
  return new RequestError(
    507,
    "InsufficientStorage",
    `The file cannot be stored: ${message}. Free disk space.`,
  );
}

/**
 * Files live next to the store, one per uuid. Order of a store: the file is made durable, and only then its rows are committed;
 * so a row never points at a missing or torn file. Files without a row (a crash in between) are swept at start.
 */
export class FileStorage {
  private secret!: Buffer;
  /** Copies in progress, and what was removed meanwhile. */
  private holders = 0;
  private held: string[] = [];

  constructor(
    private readonly backend: Backend,
    private readonly shelf: FileShelf,
  ) {}

  /** Reads or creates the signing secret. */
  async open(): Promise<void> {
    const { store, ports } = this.backend;
    const stored = store.get(SECRET_KEY) ?? Buffer.from(ports.randomBytes(32)).toString("hex");
    await store.write([[SECRET_KEY, stored]], { durable: true });
    this.secret = Buffer.from(stored, "hex");
  }

  /** Deletes files that no row names. Run before serving. */
  async sweep(tx: Transaction): Promise<void> {
    for (const uuid of await this.shelf.list()) {
      if (!(await this.blobRow(tx, "by_uuid", "uuid", uuid))) await this.shelf.remove(uuid);
    }
  }

  private sign(text: string): string {
    return createHmac("sha256", this.secret).update(text).digest("base64url");
  }

  /** An upload address that works for an hour; the file will belong to the component instance. */
  createUploadUrl(component: string): string {
    const expiry = Math.floor(this.backend.ports.now()) + UPLOAD_TOKEN_MS;
    const nonce = Buffer.from(this.backend.ports.randomBytes(9)).toString("base64url");
    const claim = `${expiry}.${nonce}.${Buffer.from(component).toString("base64url")}`;
    return `${this.backend.urls.cloud}/api/storage/upload?token=${claim}.${this.sign(claim)}`;
  }

  /** The namespace that a token's file goes to. Throws RequestError 401 when the token is forged or expired. */
  checkUploadToken(token: string | null): Namespace {
    const [expiry, nonce, component, signature] = (token ?? "").split(".");
    const expected = Buffer.from(this.sign(`${expiry}.${nonce}.${component}`));
    const given = Buffer.from(signature ?? "");
    const valid = given.length === expected.length && timingSafeEqual(given, expected);
    if (!valid || Number(expiry) < this.backend.ports.now()) {
      throw new RequestError(
        401,
        "StorageTokenInvalid",
        "The upload URL is invalid or has expired; generate a new one.",
      );
    }
    return this.backend.catalog.namespace(Buffer.from(component!, "base64url").toString());
  }

  private newUuid(): string {
    const hex = Buffer.from(this.backend.ports.randomBytes(16)).toString("hex");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  /** Names of the files on the disk. */
  names(): Promise<string[]> {
    return this.shelf.list();
  }

  /** Makes a file durable under a name; no row refers to it yet. Throws RequestError 400 when it is not what was expected. */
  async keep(
    body: AsyncIterable<Uint8Array>,
    expectedSha256: string | null,
    uuid = this.newUuid(),
  ): Promise<{ uuid: string; sha256Base64: string; sizeBytes: number }> {
    const hash = createHash("sha256");
    let sizeBytes = 0;
    const writer = await this.shelf.create(uuid);
    try {
      for await (const chunk of body) {
        hash.update(chunk);
        sizeBytes += chunk.byteLength;
        await writer.write(chunk);
      }
    } catch (error) {
      await writer.discard();
      throw ofDisk(error);
    }
    const digest = hash.digest();
    const sha256Base64 = digest.toString("base64");
    if (expectedSha256 !== null && ![sha256Base64, digest.toString("hex")].includes(expectedSha256)) {
      await writer.discard();
      throw new RequestError(
        400,
        "Sha256Mismatch",
        `The file's SHA-256 is ${sha256Base64}, not ${expectedSha256}.`,
      );
    }
    await writer.keep().catch((error) => {
      throw ofDisk(error);
    });
    return { uuid, sha256Base64, sizeBytes };
  }

  /** Streams a file to disk and commits its rows; resolves to the `_storage` id once both are durable. */
  async store(
    body: ReadableStream<Uint8Array> | Readable,
    contentType: string | null,
    expectedSha256: string | null,
    namespace: Namespace,
  ): Promise<string> {
    const kept = await this.keep(body as AsyncIterable<Uint8Array>, expectedSha256);
    const { value } = await this.backend.committer.submit(
      async (tx) => ({ value: this.insertRows(tx, kept, contentType), commit: true }),
      namespace,
    );
    return value;
  }

  /** Stores a file whose rows are part of a mutation: its bytes go when the mutation does not come to be. */
  async storeIn(
    tx: Transaction,
    bytes: Uint8Array,
    contentType: string | null,
    expectedSha256: string | null,
  ): Promise<string> {
    const kept = await this.keep(Readable.from([bytes]), expectedSha256);
    // Mutations run one after another, so this one sees what became of that one.
    void this.backend.committer
      .submit(async (later) => {
        if (!(await this.byUuid(later, kept.uuid))) this.removeBytes([kept.uuid]);
        return { value: null, commit: false };
      })
      // While the backend closes: the next start sweeps it.
      .catch(() => undefined);
    return this.insertRows(tx, kept, contentType);
  }

  private insertRows(
    tx: Transaction,
    kept: { uuid: string; sha256Base64: string; sizeBytes: number },
    contentType: string | null,
  ): string {
    const row: JsonObject = { sha256: kept.sha256Base64, size: kept.sizeBytes };
    if (contentType !== null) row.contentType = contentType;
    const storageId = tx.insert("_storage", row);
    this.insertBlob(tx, kept.uuid, storageId, tx.namespace);
    return storageId;
  }

  /** Notes which file is that of a `_storage` document; ids are unique only inside their namespace. */
  insertBlob(tx: Transaction, uuid: string, storageId: string, { path }: Namespace): void {
    tx.insertInto(tx.catalog.root.systemTable("_file_blobs"), { uuid, storageId, component: path });
  }

  private storageTable(component: string): TableDefinition {
    return this.backend.catalog.namespace(component).systemTable("_storage");
  }

  /** Forgets files whose document is gone or never came: an import replaced the table, or did not end. */
  async dropOrphans(): Promise<void> {
    const { committer, catalog } = this.backend;
    const blobs = catalog.root.systemTable("_file_blobs");
    const snapshot = committer.snapshot();
    try {
      for await (const text of scanTable(snapshot, blobs)) {
        const { _id, uuid, storageId, component } = JSON.parse(text) as Record<string, string>;
        const { tableNumber, internalId } = decodeId(storageId!)!;
        await committer.submit(async (tx) => {
          const table = this.storageTable(component!);
          const isOrphan = table.number !== tableNumber || !tx.documentAt(table.docPrefix + internalId);
          if (isOrphan) {
            tx.remove(blobs, decodeId(_id!)!.internalId);
            tx.layer.afterCommit.push(() => this.removeBytes([uuid!]));
          }
          return { value: null, commit: isOrphan };
        });
      }
    } finally {
      snapshot.release();
    }
  }

  private async blobRow(
    tx: Transaction,
    index: "by_uuid" | "by_storage_id",
    field: string,
    value: string,
    component?: string,
  ): Promise<JsonObject | null> {
    const stream = new QueryStream(
      tx.nested(false, tx.catalog.root),
      {
        source: {
          type: "IndexRange",
          indexName: `_file_blobs.${index}`,
          range: [{ type: "Eq", fieldPath: field, value }],
          order: "asc",
        },
        operators: [],
      },
      true,
    );
    for (let text = await stream.next(); text !== null; text = await stream.next()) {
      const blob = JSON.parse(text) as JsonObject;
      if (component === undefined || blob.component === component) return blob;
    }
    return null;
  }

  private async lookup(tx: Transaction, blob: JsonObject | null): Promise<StoredFile | null> {
    const decoded = blob && decodeId(blob.storageId as string);
    if (!blob || !decoded) return null;
    const table = this.storageTable(blob.component as string);
    const row = table.number === decoded.tableNumber ? tx.read(table, decoded.internalId) : null;
    if (!row) return null;
    const { sha256, size, contentType } = JSON.parse(row.text) as JsonObject;
    return {
      uuid: blob.uuid as string,
      sha256Base64: sha256 as string,
      sizeBytes: size as number,
      contentType: (contentType as string | undefined) ?? null,
    };
  }

  /** The row of a file of the transaction's own namespace. */
  private async blobOfId(tx: Transaction, storageId: string): Promise<JsonObject | null> {
    if (decodeId(storageId)?.tableNumber !== tx.namespace.systemTable("_storage").number) return null;
    return this.blobRow(tx, "by_storage_id", "storageId", storageId, tx.namespace.path);
  }

  async byId(tx: Transaction, storageId: string): Promise<StoredFile | null> {
    return this.lookup(tx, await this.blobOfId(tx, storageId));
  }

  async byUuid(tx: Transaction, uuid: string): Promise<StoredFile | null> {
    return this.lookup(tx, await this.blobRow(tx, "by_uuid", "uuid", uuid));
  }

  async urlOf(tx: Transaction, storageId: string): Promise<string | null> {
    const file = await this.byId(tx, storageId);
    return file ? `${this.backend.urls.cloud}/api/storage/${file.uuid}` : null;
  }

  async metadataOf(tx: Transaction, storageId: string): Promise<JsonObject | null> {
    const file = await this.byId(tx, storageId);
    if (!file) return null;
    const sha256 = Buffer.from(file.sha256Base64, "base64").toString("hex");
    return { storageId, sha256, size: file.sizeBytes, contentType: file.contentType };
  }

  async blobOf(tx: Transaction, storageId: string): Promise<Blob | null> {
    const file = await this.byId(tx, storageId);
    return file ? this.shelf.blob(file.uuid, file.contentType ?? "") : null;
  }

  read(file: StoredFile, start: number, end: number): Readable {
    return this.shelf.read(file.uuid, start, end);
  }

  /** Removes the rows now and the bytes after the commit. Throws when the file does not exist. */
  async remove(tx: Transaction, storageId: string): Promise<void> {
    const blob = await this.blobOfId(tx, storageId);
    if (!blob) throw new Error(`File ${storageId} not found`);
    tx.remove(tx.catalog.root.systemTable("_file_blobs"), decodeId(blob._id as string)!.internalId);
    tx.remove(tx.namespace.systemTable("_storage"), decodeId(storageId)!.internalId);
    tx.layer.afterCommit.push(() => this.removeBytes([blob.uuid as string]));
  }

  /** Removes files that no row names any more, now or when nobody copies. */
  removeBytes(uuids: string[]): void {
    if (this.holders > 0) {
      this.held.push(...uuids);
      return;
    }
    for (const uuid of uuids) {
      this.shelf.remove(uuid).catch((error) => {
        // The next start sweeps it.
        this.backend.log("warn", "files.removeFailed", { uuid, error: String(error) });
      });
    }
  }

  /** Until the returned function is called, removed files stay on the disk for a snapshot that names them. */
  holdRemovals(): () => void {
    this.holders++;
    return () => {
      if (--this.holders === 0) this.removeBytes(this.held.splice(0));
    };
  }

  /** All bytes of a file. */
  bytes(uuid: string, sizeBytes: number): Readable {
    if (sizeBytes === 0) return Readable.from([]);
    return this.shelf.read(uuid, 0, sizeBytes - 1);
  }
}
