import type { Backend } from "../backend";
import type { Namespace, TableDefinition } from "../catalog/catalog";
import { checkDocument, type TableNames, type ValidatorJson } from "../catalog/validators";
import { EVERYTHING } from "../transaction/readSet";
import { Transaction } from "../transaction/transaction";
import type { JsonObject } from "../values/encoded";
import { decodeId, encodeId, newInternalId } from "../values/ids";
import { afterPrefix } from "../values/keys";
import { setGarbage } from "./garbage";
import { ImportError } from "./importFile";
import { importFiles } from "./importFiles";
import { type ImportMode, type PlannedTable, quoted, storageOf } from "./importPlan";

const CHUNK_DOCUMENTS = 1000;
const CHUNK_CHARS = 4 << 20;
/** As fine as a creation time can be; see the committer. */
const CREATION_STEP_MS = 2 ** -12;

type Row = [internalId: string, document: JsonObject];

/** What a row must fit. */
interface Target {
  number: number;
  validator: ValidatorJson | null;
  names: TableNames;
}

export interface ImportReport {
  /** Documents written so far, of the table in work. */
  progress(table: string, rows: number, total: number): Promise<void>;
  done(message: string): Promise<void>;
}

/**
 * Carries out a plan. Replaced tables are written aside, durably but unseen, and all of them take their place in one commit: an
 * import that fails or is killed before it leaves the tables as they were. Documents that join a table that has some are checked first
 * and then committed in chunks; `appended` counts them, in the same commits.
 */
export class Importer {
  private readonly staged = new Map<PlannedTable, TableDefinition>();
  private lastCreationTime: number;

  constructor(
    private readonly backend: Backend,
    private readonly tables: PlannedTable[],
    private readonly mode: ImportMode,
    private readonly report: ImportReport,
    /** Called in the commit that appends documents, and in the one that shows the replaced tables (with 0). */
    private readonly record: (tx: Transaction, appended: number) => void,
  ) {
    this.lastCreationTime = backend.ports.now();
  }

  /** Returns the number of documents written. Throws ImportError. */
  async run(): Promise<number> {
    await this.allocate();
    let rows = 0;
    for (const table of this.tables) {
      if (!table.source) continue;
      const written = storageOf(table)
        ? importFiles(this.backend, storageOf(table)!, table.namespace)
        : table.source.rows();
      if (table.append) await this.append(table, written);
      else await this.stage(table, written);
      if (table.name !== "_storage") rows += table.rows;
      await this.report.done(`Imported ${quoted(table)} (${table.rows} documents)`);
    }
    await this.show();
    return rows;
  }

  /** Key prefixes for the new tables, noted as garbage until they are in use. */
  private async allocate(): Promise<void> {
    const { catalog, committer } = this.backend;
    await committer.submit(async (tx) => {
      for (const table of this.tables) {
        if (table.append) continue;
        const number = table.number ?? table.namespace.newTableNumber();
        this.staged.set(table, catalog.stageTable(table.namespace, table.name, number, table.existing));
      }
      setGarbage(tx, [...this.staged.values()]);
      return { value: null, commit: true };
    });
  }

  /** The table that a number stands for once the import is done, for `v.id` in validators. */
  private namesAfter(namespace: Namespace): TableNames {
    const names = new Map<number, string>();
    for (const { namespace: owner, name, number } of this.staged.values()) {
      if (owner === namespace.path) names.set(number, name);
    }
    const replaced = new Set(names.values());
    return (number) => {
      const current = names.get(number) ?? namespace.tableNameOf(number);
      return current !== undefined && replaced.has(current) ? names.get(number) : current;
    };
  }

  /** Gives a document what it lacks and refuses it when it does not fit the table. */
  private rowOf(table: PlannedTable, target: Target, given: JsonObject, at: number): Row {
    const { number, validator, names } = target;
    const { ports } = this.backend;
    const where = `Row ${at} of table ${quoted(table)}`;
    let internalId: string;
    if (given._id === undefined)
      internalId = newInternalId(ports.now(), (length) => ports.randomBytes(length));
    else {
      const decoded = typeof given._id === "string" ? decodeId(given._id) : null;
      if (!decoded) throw new ImportError(`${where}: _id ${JSON.stringify(given._id)} is not a document id.`);
      if (decoded.tableNumber !== number)
        throw new ImportError(
          `${where}: _id "${given._id}" is of the table number ${decoded.tableNumber}, and this table has ${number}.`,
        );
      internalId = decoded.internalId;
    }
    if (given._creationTime !== undefined && typeof given._creationTime !== "number")
      throw new ImportError(`${where}: _creationTime must be a number of milliseconds.`);
    this.lastCreationTime += CREATION_STEP_MS;
    const document: JsonObject = {
      ...given,
      _id: encodeId(number, internalId),
      _creationTime: given._creationTime ?? this.lastCreationTime,
    };
    const found = validator && checkDocument(validator, document, names);
    if (found)
      throw new ImportError(
        `${where}: document with ID "${document._id}" does not match the schema at field "${found.path.slice(1) || "(document)"}": ${found.message}`,
      );
    return [internalId, document];
  }

  /** Rows in chunks that fit one write. */
  private async *chunks(
    table: PlannedTable,
    number: number,
    rows: AsyncIterable<JsonObject>,
  ): AsyncGenerator<Row[]> {
    const target: Target = {
      number,
      validator: table.existing?.validator ?? null,
      names: this.namesAfter(table.namespace),
    };
    let chunk: Row[] = [];
    let chars = 0;
    let at = 0;
    for await (const given of rows) {
      const row = this.rowOf(table, target, given, ++at);
      chunk.push(row);
      chars += JSON.stringify(row[1]).length;
      if (chunk.length < CHUNK_DOCUMENTS && chars < CHUNK_CHARS) continue;
      yield chunk;
      await this.report.progress(quoted(table), at, table.rows);
      chunk = [];
      chars = 0;
    }
    if (chunk.length > 0) yield chunk;
  }

  private put(tx: Transaction, table: PlannedTable, definition: TableDefinition, rows: Row[]): void {
    for (const [internalId, document] of rows) {
      if (tx.layer.docs.has(definition.docPrefix + internalId))
        throw new ImportError(`The id "${document._id}" is twice in the table ${quoted(table)}.`);
      try {
        tx.restore(definition, internalId, document);
      } catch (error) {
        throw new ImportError(
          `Document with ID "${document._id}" of the table ${quoted(table)}: ${(error as Error).message}`,
        );
      }
    }
  }

  private async stage(table: PlannedTable, rows: AsyncIterable<JsonObject>): Promise<void> {
    const { store, committer, catalog } = this.backend;
    const definition = this.staged.get(table)!;
    const nothing = { newInternalId: () => "", nextCreationTime: () => 0 };
    const snapshot = committer.snapshot();
    try {
      for await (const chunk of this.chunks(table, definition.number, rows)) {
        const tx = new Transaction(snapshot, catalog, [], nothing, null, undefined, table.namespace);
        this.put(tx, table, definition, chunk);
        const taken = await store.getMany([...tx.layer.docs.keys()]);
        const twice = taken.findIndex((value) => value !== undefined);
        if (twice >= 0)
          throw new ImportError(`The id "${chunk[twice]![1]._id}" is twice in the table ${quoted(table)}.`);
        await store.write(tx.layer.toWrites(), { durable: true });
      }
    } finally {
      snapshot.release();
    }
  }

  private async append(table: PlannedTable, rows: AsyncIterable<JsonObject>): Promise<void> {
    const { committer } = this.backend;
    const { existing: definition, namespace, source } = table;
    if (table.name !== "_storage") {
      // Everything that can be wrong with the file is found before the first document is written.
      for await (const chunk of this.chunks(table, definition!.number, source!.rows()))
        await this.checkFree(definition!, chunk);
    }
    let appended = 0;
    for await (const chunk of this.chunks(table, definition!.number, rows)) {
      await committer.submit(async (tx) => {
        const taken = chunk.find(([internalId]) => tx.documentAt(definition!.docPrefix + internalId));
        if (taken) throw new ImportError(`The table ${quoted(table)} already has the id "${taken[1]._id}".`);
        this.put(tx, table, definition!, chunk);
        this.record(tx, appended + chunk.length);
        return { value: null, commit: true };
      }, namespace);
      appended += chunk.length;
    }
  }

  private async checkFree(definition: TableDefinition, chunk: Row[]): Promise<void> {
    const keys = chunk.map(([internalId]) => definition.docPrefix + internalId);
    const taken = (await this.backend.store.getMany(keys)).findIndex((value) => value !== undefined);
    if (taken < 0) return;
    throw new ImportError(`The table "${definition.name}" already has the id "${chunk[taken]![1]._id}".`);
  }

  /** One commit in which every replaced table takes its place. */
  private async show(): Promise<void> {
    if (this.staged.size === 0) return;
    const { catalog, committer } = this.backend;
    // The snapshot under the next commit must hold what was staged.
    await this.report.done("Putting the tables in place");
    await committer.submit(async (tx) => {
      for (const { existing, name, namespace } of this.staged.keys()) {
        if (namespace.byName.get(name) !== existing)
          throw new ImportError(`The table ${quoted({ namespace, name })} was created while the import ran.`);
        if (this.mode !== "requireEmpty" || !existing) continue;
        const range = { from: existing.docPrefix, to: afterPrefix(existing.docPrefix) };
        const { rows } = await tx.scan(existing, range, false, 1);
        if (rows.length > 0)
          throw new ImportError(
            `The table ${quoted({ namespace, name })} got documents while the import ran.`,
          );
      }
      this.record(tx, 0);
      setGarbage(
        tx,
        [...this.staged.keys()].flatMap(({ existing }) => existing ?? []),
      );
      tx.layer.touched.add(EVERYTHING);
      tx.layer.closesBatch = true;
      catalog.replaceTables([...this.staged.values()], tx.snapshot.ts);
      return { value: null, commit: true };
    });
  }
}
