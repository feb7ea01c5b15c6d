import { isPlainObject, type JsonObject, type JsonValue } from "../values/encoded";
import { floatKey, u32Key, valueKey } from "../values/keys";
import type { ValidatorJson } from "./validators";

export type IndexKind = "byId" | "byCreationTime" | "fields";

export interface IndexDefinition {
  name: string;
  kind: IndexKind;
  /** Declared field paths; the implicit _creationTime and id that end every index are not listed. */
  fields: string[];
  /** Key prefix of the index's rows. The rows of `by_id` are the documents themselves. */
  prefix: string;
  id: number;
}

export interface TableDefinition {
  name: string;
  number: number;
  docPrefix: string;
  indexes: Map<string, IndexDefinition>;
  /** The schema's document validator, or null when the table is not validated. */
  validator: ValidatorJson | null;
}

interface StoredCatalog {
  nextTableNumber: number;
  nextIndexId: number;
  tables: Array<{
    name: string;
    number: number;
    validatorHash: string | null;
    indexes: Array<{ name: string; id: number; fields: string[] }>;
  }>;
}

export const CATALOG_KEY = "m/catalog";
const FIRST_USER_TABLE = 10001;

/** System tables: the first two are readable through `db.system`, the others are the backend's own books. */
export const SYSTEM_TABLES = {
  _storage: { number: 1, indexes: {} },
  _scheduled_functions: { number: 2, indexes: { by_due: ["state.kind", "scheduledTime"] } },
  _file_blobs: { number: 3, indexes: { by_uuid: ["uuid"], by_storage_id: ["storageId"] } },
  _cron_jobs: { number: 4, indexes: { by_name: ["name"] } },
} as const satisfies Record<string, { number: number; indexes: Record<string, string[]> }>;

export const PUBLIC_SYSTEM_TABLES = new Set(["_storage", "_scheduled_functions"]);

/** Value at a dotted path, undefined when any step is missing. */
export function fieldAt(document: JsonObject, path: string): JsonValue | undefined {
  if (!path.includes(".")) return document[path];
  let value: JsonValue | undefined = document;
  for (const step of path.split(".")) {
    if (!isPlainObject(value)) return undefined;
    value = value[step];
  }
  return value;
}

/** Full store key of a document's row in an index. */
export function indexRowKey(index: IndexDefinition, document: JsonObject, internalId: string): string {
  if (index.kind === "byId") return index.prefix + internalId;
  let key = index.prefix;
  for (const field of index.fields) key += valueKey(fieldAt(document, field));
  return key + floatKey(document._creationTime as number) + internalId;
}

/** Names, numbers, indexes and validators of every table; persisted as one row, changed only by the committer. */
export class Catalog {
  readonly byName = new Map<string, TableDefinition>();
  readonly byNumber = new Map<number, TableDefinition>();
  private readonly validatorHashes = new Map<string, string | null>();
  private nextTableNumber = FIRST_USER_TABLE;
  private nextIndexId = 1;
  /** True when the in-memory catalog holds something the stored row does not. */
  dirty = false;

  constructor(stored: string | undefined) {
    if (stored !== undefined) this.restore(JSON.parse(stored) as StoredCatalog);
    for (const [name, system] of Object.entries(SYSTEM_TABLES)) {
      const table = this.byName.get(name) ?? this.addTable(name, system.number);
      for (const [index, fields] of Object.entries(system.indexes)) {
        if (!table.indexes.has(index)) this.addIndex(table, index, fields);
      }
    }
  }

  private restore(stored: StoredCatalog): void {
    this.nextTableNumber = stored.nextTableNumber;
    this.nextIndexId = stored.nextIndexId;
    for (const entry of stored.tables) {
      const table = this.registerTable(entry.name, entry.number);
      this.validatorHashes.set(entry.name, entry.validatorHash);
      for (const index of entry.indexes) this.registerIndex(table, index.name, index.id, index.fields);
    }
  }

  private registerTable(name: string, number: number): TableDefinition {
    const docPrefix = `d${u32Key(number)}`;
    const table: TableDefinition = { name, number, docPrefix, indexes: new Map(), validator: null };
    table.indexes.set("by_id", { name: "by_id", kind: "byId", fields: [], prefix: docPrefix, id: 0 });
    this.byName.set(name, table);
    this.byNumber.set(number, table);
    return table;
  }

  private registerIndex(table: TableDefinition, name: string, id: number, fields: string[]): IndexDefinition {
    const kind = name === "by_creation_time" ? "byCreationTime" : "fields";
    const index: IndexDefinition = { name, kind, fields, prefix: `i${u32Key(id)}`, id };
    table.indexes.set(name, index);
    return index;
  }

  private addTable(name: string, number: number): TableDefinition {
    const table = this.registerTable(name, number);
    this.addIndex(table, "by_creation_time", []);
    return table;
  }

  /** Adds an index whose rows do not exist yet; the caller backfills it before the catalog is stored. */
  addIndex(table: TableDefinition, name: string, fields: readonly string[]): IndexDefinition {
    this.dirty = true;
    return this.registerIndex(table, name, this.nextIndexId++, [...fields]);
  }

  removeIndex(table: TableDefinition, name: string): void {
    this.dirty = true;
    table.indexes.delete(name);
  }

  /** The table of that name, created with the next number when it is new. */
  ensureTable(name: string): TableDefinition {
    const existing = this.byName.get(name);
    if (existing) return existing;
    if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name)) {
      throw new Error(
        `Invalid table name ${JSON.stringify(name)}: use 1 to 64 letters, digits or underscores, starting with a letter.`,
      );
    }
    this.dirty = true;
    return this.addTable(name, this.nextTableNumber++);
  }

  validatorHash(table: string): string | null {
    return this.validatorHashes.get(table) ?? null;
  }

  setValidatorHash(table: string, hash: string | null): void {
    if (this.validatorHash(table) === hash) return;
    this.validatorHashes.set(table, hash);
    this.dirty = true;
  }

  readonly tableNumberOf = (name: string): number | undefined => this.byName.get(name)?.number;

  serialise(): string {
    const stored: StoredCatalog = {
      nextTableNumber: this.nextTableNumber,
      nextIndexId: this.nextIndexId,
      tables: [...this.byName.values()].map((table) => ({
        name: table.name,
        number: table.number,
        validatorHash: this.validatorHash(table.name),
        indexes: [...table.indexes.values()]
          .filter((index) => index.kind !== "byId")
          .map((index) => ({ name: index.name, id: index.id, fields: index.fields })),
      })),
    };
    return JSON.stringify(stored);
  }
}
