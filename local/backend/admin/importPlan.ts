import type { Backend } from "../backend";
import { checkTableName, type Namespace, type TableDefinition } from "../catalog/catalog";
import type { DatabaseSnapshot } from "../transaction/snapshot";
import { scanKeys } from "../transaction/tableScan";
import { decodeId } from "../values/ids";
import { ImportError, type ImportedStorage, type ImportedTable, type ImportSource } from "./importFile";

export type ImportMode = "requireEmpty" | "append" | "replace" | "replaceAll";

/** What an import does to one table. */
export interface PlannedTable {
  namespace: Namespace;
  name: string;
  /** Null for a table that the import only clears. */
  source: ImportedTable | null;
  rows: number;
  existing: TableDefinition | undefined;
  existingRows: number;
  /** Number that the table's ids carry afterwards; null when it is to get a new one. */
  number: number | null;
  /** Documents join those there are; otherwise the table is replaced as a whole. */
  append: boolean;
}

async function countRows(snapshot: DatabaseSnapshot, table: TableDefinition | undefined): Promise<number> {
  if (!table) return 0;
  let count = 0;
  for await (const keys of scanKeys(snapshot, table.docPrefix)) count += keys.length;
  return count;
}

/** A table's name as sentences have it. */
export function quoted({ namespace, name }: { namespace: Namespace; name: string }): string {
  return namespace.path === "" ? `"${name}"` : `"${name}" of the component ${namespace.path}`;
}

/** Storage of an archive, or null when the plan is about an ordinary table. */
export function storageOf({ source }: PlannedTable): ImportedStorage | null {
  return source?.name === "_storage" ? (source as ImportedStorage) : null;
}

/** Plans an import against one state of the tables. */
class Planner {
  readonly tables: PlannedTable[] = [];

  constructor(
    private readonly backend: Backend,
    private readonly snapshot: DatabaseSnapshot,
    private readonly mode: ImportMode,
  ) {}

  private isPlanned(table: TableDefinition): boolean {
    return this.tables.some(({ existing, append }) => existing === table && !append);
  }

  async add(source: ImportedTable): Promise<void> {
    const component = this.backend.components.at(source.component);
    if (!component)
      throw new ImportError(
        `The component ${source.component} is not mounted here; use it in convex.config.ts and start the backend again.`,
      );
    const { namespace } = component;
    const { name } = source;
    if (name !== "_storage") checkTableName(name);
    if (this.tables.some((table) => table.namespace === namespace && table.name === name))
      throw new ImportError(`The table ${quoted({ namespace, name })} is in the import twice.`);
    let rows = 0;
    let number = source.number;
    for await (const { _id } of source.rows()) {
      rows++;
      if (number === null && typeof _id === "string") number = decodeId(_id)?.tableNumber ?? null;
    }
    const existing = namespace.byName.get(name);
    const existingRows = await countRows(this.snapshot, existing);
    if (this.mode === "requireEmpty" && existingRows > 0)
      throw new ImportError(
        `The table ${quoted({ namespace, name })} already has ${existingRows} documents. Add to them with --append, or use --replace or --replace-all.`,
      );
    const append = this.mode === "append" && existingRows > 0;
    if (append && number !== null && number !== existing!.number)
      throw new ImportError(
        `The documents for ${quoted({ namespace, name })} bring ids with the table number ${number}, and here the table has ${existing!.number}. Use --replace, or remove _id from the file so that they get new ids.`,
      );
    this.tables.push({
      namespace,
      name,
      source,
      rows,
      existing,
      existingRows,
      number: number ?? existing?.number ?? null,
      append,
    });
  }

  private async clear(existing: TableDefinition, number: number | null): Promise<void> {
    const existingRows = await countRows(this.snapshot, existing);
    const namespace = this.backend.catalog.namespace(existing.namespace);
    const { name } = existing;
    this.tables.push({
      namespace,
      name,
      source: null,
      rows: 0,
      existing,
      existingRows,
      number,
      append: false,
    });
  }

  /** With --replace-all every table that the file does not bring is emptied. */
  async clearOthers(): Promise<void> {
    for (const { namespace } of this.backend.components.all()) {
      for (const table of [...namespace.byName.values()]) {
        if (!table.name.startsWith("_") && !this.isPlanned(table)) await this.clear(table, table.number);
      }
    }
  }

  /** Sees to it that every table gets its number: ids carry it, so imported documents cannot do with another one. */
  async settleNumbers(): Promise<void> {
    const owners = new Map<string, PlannedTable>();
    const slotOf = ({ namespace, number }: PlannedTable) => `${number} ${namespace.path}`;
    for (const table of this.tables) {
      if (table.source === null || table.number === null) continue;
      const twin = owners.get(slotOf(table));
      if (twin)
        throw new ImportError(
          `The tables ${quoted(twin)} and ${quoted(table)} bring the same table number ${table.number}.`,
        );
      owners.set(slotOf(table), table);
    }
    for (const table of this.tables) {
      if (table.source === null && owners.has(slotOf(table))) table.number = null;
    }
    for (const table of owners.values()) {
      const holder = table.namespace.byNumber.get(table.number!);
      if (!holder || holder === table.existing || this.isPlanned(holder)) continue;
      const isSystem = holder.name.startsWith("_");
      if (isSystem || (await countRows(this.snapshot, holder)) > 0)
        throw new ImportError(
          `The table ${quoted(table)} brings the table number ${table.number}, which ${holder.name} has here. ${isSystem ? "Import" : "Use --replace-all, or import"} into an empty data folder.`,
        );
      await this.clear(holder, null);
    }
  }

  /** A table that gets another number leaves references in documents of other tables behind. */
  async checkReferences(): Promise<void> {
    for (const { existing, number, append } of this.tables) {
      if (append || !existing || number === existing.number) continue;
      const mention = `{"type":"id","tableName":${JSON.stringify(existing.name)}}`;
      for (const other of this.backend.catalog.namespace(existing.namespace).byName.values()) {
        const refers = JSON.stringify(other.validator ?? null).includes(mention);
        if (!refers || this.isPlanned(other) || (await countRows(this.snapshot, other)) === 0) continue;
        throw new ImportError(
          `The import gives the table "${existing.name}" another table number, and the documents of "${other.name}" refer to the ids it has now. Import both tables, or use --replace-all.`,
        );
      }
    }
  }
}

/**
 * Reads the whole import once: which tables it brings, how many documents, and whether the numbers in their ids can be kept.
 * Throws ImportError; nothing is written.
 */
export async function planImport(
  backend: Backend,
  source: ImportSource,
  mode: ImportMode,
): Promise<PlannedTable[]> {
  const snapshot = backend.committer.snapshot();
  try {
    const planner = new Planner(backend, snapshot, mode);
    for (const table of [...source.tables, ...source.storages]) await planner.add(table);
    if (mode === "replaceAll") await planner.clearOthers();
    await planner.settleNumbers();
    await planner.checkReferences();
    return planner.tables;
  } finally {
    snapshot.release();
  }
}

/** What the command line shows before it asks, and whether it has to ask. */
export function describePlan(tables: PlannedTable[]): { message: string; deletes: boolean } {
  const lines = tables
    .filter(({ rows, existingRows }) => rows > 0 || existingRows > 0)
    .map((table) => {
      const deleted = table.append ? 0 : table.existingRows;
      const unit = table.name === "_storage" ? "files" : "documents";
      return `  ${quoted(table)}: ${table.rows} ${unit} added, ${deleted} of ${table.existingRows} deleted`;
    });
  const deletes = tables.some(({ append, existingRows }) => !append && existingRows > 0);
  const message = [
    "Import change summary:",
    ...lines,
    "Once the import has started, interrupting this command does not cancel it.",
  ].join("\n");
  return { message, deletes };
}
