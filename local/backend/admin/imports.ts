import { createReadStream, createWriteStream, mkdirSync, rmSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Backend } from "../backend";
import { RequestError } from "../runtime/errors";
import type { Transaction } from "../transaction/transaction";
import { encodeInt64, type JsonObject, type JsonValue } from "../values/encoded";
import { collectGarbage } from "./garbage";
import { Importer } from "./importer";
import { ImportError, type ImportFormat, type ImportSource, openImport } from "./importFile";
import { describePlan, type ImportMode, planImport } from "./importPlan";
import { commitState, readState, setState } from "./state";
import type { SystemCall } from "./systemFunctions";

const IMPORTS_KEY = "m/imports";
const KEEP_IMPORTS = 20;
const MAX_PARTS = 10_000;
const REPORT_MS = 500;
const FORMATS = new Set(["zip", "jsonLines", "jsonArray", "csv"]);
const MODES = new Set(["requireEmpty", "append", "replace", "replaceAll"]);

/** One import as it is stored and as `_system/cli/queryImport` shows it. */
interface ImportRecord extends JsonObject {
  _id: string;
  mode: ImportMode;
  format: ImportFormat;
  tableName: string | null;
  component: string;
  state: JsonObject;
  /** Documents that are already in a table that had some. */
  appended: number;
}

function isFinal({ state }: ImportRecord): boolean {
  return state.state === "completed" || state.state === "failed";
}

/** What is in the tables when an import ended before its time. */
function remains({ appended }: ImportRecord): string {
  if (appended === 0) return "The tables are as they were.";
  return `The first ${appended} documents for the table were added before that and are still there; remove them, or import the rest of the file.`;
}

/** Uploads of the command line and the imports made of them, one at a time. */
export class Imports {
  private readonly uploads = new Set<string>();
  private records: ImportRecord[] = [];
  private queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly backend: Backend,
    private readonly directory: string,
  ) {}

  /** Settles what an earlier process left. Resolves before the backend serves; rows of no table are deleted after that. */
  async open(): Promise<void> {
    rmSync(this.directory, { recursive: true, force: true });
    const stored = this.backend.store.get(IMPORTS_KEY);
    if (stored === undefined) return;
    this.records = (JSON.parse(stored) as { imports: ImportRecord[] }).imports;
    const interrupted = this.records.filter((record) => !isFinal(record));
    if (interrupted.length === 0) return;
    for (const record of interrupted) {
      const error_message = `The backend stopped before the import was done. ${remains(record)}`;
      record.state = { state: "failed", error_message };
    }
    await this.save();
  }

  /** Background work after a start: nothing waits for it but the next import. */
  start(): void {
    this.queue = this.cleanUp();
  }

  private async cleanUp(): Promise<void> {
    try {
      if (await collectGarbage(this.backend)) await this.backend.files.dropOrphans();
    } catch (error) {
      this.backend.log("warn", "import.cleanUpFailed", { error: String(error) });
    }
  }

  private snapshotOfRecords(): JsonObject {
    return { imports: this.records.slice(-KEEP_IMPORTS) };
  }

  private save(): Promise<void> {
    return commitState(this.backend, IMPORTS_KEY, this.snapshotOfRecords());
  }

  private async setState(record: ImportRecord, state: JsonObject): Promise<void> {
    record.state = state;
    await this.save();
  }

  readonly list = ({ tx }: SystemCall): JsonValue => readState(tx, IMPORTS_KEY)?.imports ?? [];

  readonly get = ({ tx, args }: SystemCall): JsonValue => {
    const imports = (readState(tx, IMPORTS_KEY)?.imports ?? []) as ImportRecord[];
    return imports.find(({ _id }) => _id === args.importId) ?? null;
  };

  private newToken(): string {
    return Buffer.from(this.backend.ports.randomBytes(16)).toString("hex");
  }

  private pathOf(token: string, part?: number): string {
    return join(this.directory, part === undefined ? token : `${token}.${part}`);
  }

  startUpload(): string {
    mkdirSync(this.directory, { recursive: true });
    const token = this.newToken();
    this.uploads.add(token);
    return token;
  }

  private checkUpload(token: unknown): asserts token is string {
    if (typeof token === "string" && this.uploads.has(token)) return;
    throw new RequestError(400, "UploadNotFound", "There is no such upload; start the import again.");
  }

  /** Takes one part of an upload; a repeated part replaces the earlier one. Returns its token. */
  async uploadPart(token: string | null, part: number, body: Readable): Promise<string> {
    this.checkUpload(token);
    if (!Number.isInteger(part) || part < 1 || part >= MAX_PARTS)
      throw new RequestError(400, "BadPart", `The part number must be from 1 to ${MAX_PARTS - 1}.`);
    await pipeline(body, createWriteStream(this.pathOf(token, part)));
    return String(part);
  }

  /** Joins the parts and begins to read them; resolves to the import's id at once. */
  async finishUpload(request: Record<string, unknown>): Promise<string> {
    const { uploadToken, partTokens } = request;
    const { mode, format, tableName, componentPath } = (request.import ?? {}) as Record<string, unknown>;
    this.checkUpload(uploadToken);
    if (!MODES.has(mode as string) || !FORMATS.has(format as string))
      throw new RequestError(400, "BadImport", `Unknown import mode ${mode} or format ${format}.`);
    if (format !== "zip" && typeof tableName !== "string")
      throw new RequestError(400, "BadImport", `An import in the format ${format} needs a table.`);
    this.uploads.delete(uploadToken);
    const path = this.pathOf(uploadToken);
    await writeFile(path, "");
    for (const part of partTokens as string[]) {
      const piece = this.pathOf(uploadToken, Number(part));
      await pipeline(createReadStream(piece), createWriteStream(path, { flags: "a" }));
      await rm(piece);
    }
    const record: ImportRecord = {
      _id: uploadToken,
      mode: mode as ImportMode,
      format: format as ImportFormat,
      tableName: (tableName as string | undefined) ?? null,
      component: (componentPath as string | undefined) ?? "",
      state: { state: "uploaded" },
      appended: 0,
    };
    this.records.push(record);
    this.records = this.records.slice(-KEEP_IMPORTS);
    await this.save();
    this.enqueue(record, async (source) => {
      const { message, deletes } = describePlan(await planImport(this.backend, source, record.mode));
      await this.setState(record, {
        state: "waiting_for_confirmation",
        message_to_confirm: message,
        require_manual_confirmation: deletes,
      });
    });
    return record._id;
  }

  /** Starts a confirmed import. Throws RequestError 400 when it does not wait for that. */
  async perform(importId: unknown): Promise<void> {
    const record = this.records.find(({ _id }) => _id === importId);
    if (record?.state.state !== "waiting_for_confirmation")
      throw new RequestError(400, "ImportNotWaiting", "There is no such import that waits to be confirmed.");
    await this.setState(record, {
      state: "in_progress",
      progress_message: "Waiting",
      checkpoint_messages: [],
    });
    this.enqueue(record, (source) => this.carryOut(record, source));
  }

  /** Runs after whatever import work is queued; a failure becomes the import's state. */
  private enqueue(record: ImportRecord, work: (source: ImportSource) => Promise<void>): void {
    this.queue = this.queue.then(async () => {
      const path = this.pathOf(record._id);
      let source: ImportSource | null = null;
      try {
        source = await openImport(path, record.format, record.component, record.tableName);
        await work(source);
      } catch (error) {
        const known = error instanceof ImportError;
        if (!known)
          this.backend.log("error", "import.failed", { error: (error as Error)?.stack ?? String(error) });
        const error_message = `${(error as Error).message}\n${remains(record)}`;
        await this.setState(record, { state: "failed", error_message }).catch(() => undefined);
      } finally {
        await source?.close();
        if (isFinal(record)) {
          await rm(path, { force: true });
          await this.cleanUp();
        }
      }
    });
  }

  private async carryOut(record: ImportRecord, source: ImportSource): Promise<void> {
    const { ports, log } = this.backend;
    const startedAtMs = ports.now();
    const checkpoints: string[] = [];
    let reportedAtMs = startedAtMs;
    const show = (progress_message: string) =>
      this.setState(record, {
        state: "in_progress",
        progress_message,
        checkpoint_messages: [...checkpoints],
      });
    // Planned again: the tables may have changed since the summary was shown.
    const tables = await planImport(this.backend, source, record.mode);
    const recordIn = (tx: Transaction, appended: number) => {
      record.appended = appended;
      setState(tx, IMPORTS_KEY, this.snapshotOfRecords());
    };
    const report = {
      async progress(table: string, rows: number, total: number) {
        const now = ports.now();
        if (now - reportedAtMs < REPORT_MS) return;
        reportedAtMs = now;
        const rate = rows / ((now - startedAtMs) / 1000);
        const left = Math.ceil((total - rows) / rate);
        await show(
          `Importing ${table}: ${rows} of ${total} documents, ${Math.round(rate)}/s, ${left} s left`,
        );
      },
      async done(message: string) {
        checkpoints.push(message);
        await show("Importing");
      },
    };
    const written = await new Importer(this.backend, tables, record.mode, report, recordIn).run();
    const tookMs = Math.round(ports.now() - startedAtMs);
    log("info", "import.completed", { mode: record.mode, documents: written, tookMs });
    await this.setState(record, { state: "completed", num_rows_written: encodeInt64(BigInt(written)) });
  }
}
