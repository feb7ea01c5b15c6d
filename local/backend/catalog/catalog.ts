import { isPlainObject, type JsonObject, type JsonValue } from "../values/encoded";
import { floatKey, u32Key, valueKey } from "../values/keys";
import type { ValidatorJson } from "./validators";

export type IndexKind = "byId" | "byCreationTime" | "fields" | "text" | "vector";

/** What a schema declares of an index; an ordinary index has fields only. */
export interface IndexShape {
  kind?: "text" | "vector";
  /** Declared field paths; of a text or vector index the one field it searches. */
  fields: readonly string[];
  filterFields?: readonly string[];
  dimensions?: number;
}

export interface IndexDefinition {
  name: string;
  kind: IndexKind;
  /** Declared field paths; the implicit _creationTime and id that end every index are not listed. */
  fields: string[];
  /** Fields that a search or vector query may compare for equality; empty for other indexes. */
  filterFields: readonly string[];
  /** Length of the vectors of a vector index, 0 for other indexes. */
  dimensions: number;
  /** Key prefix of the index's rows. The rows of `by_id` are the documents themselves. */
  prefix: string;
  id: number;
}

export interface TableDefinition {
  name: string;
  number: number;
  /** Path of the component instance that owns the table; empty for the app's own. */
  namespace: string;
  docPrefix: string;
  indexes: Map<string, IndexDefinition>;
  /** The schema's document validator, or null when the table is not validated. */
  validator: ValidatorJson | null;
  /** Digest of the validator that every stored document is known to fit. */
  validatorHash: string | null;
  /** What an import put this definition in the place of; snapshots up to and including `untilTs` see that. */
  replaces?: { table: TableDefinition | undefined; untilTs: bigint };
}

interface StoredCatalog {
  /** The app's. */
  nextTableNumber: number;
  /** Those of component instances, by path; absent where all instances shared the app's numbers (format 1). */
  nextTableNumbers?: Record<string, number>;
  nextIndexId: number;
  tables: Array<{
    name: string;
    number: number;
    /** Absent for the app's own tables. */
    namespace?: string;
    /** Number in the key prefix of the documents, when it is not the table's own: prefixes are the store's, numbers the namespace's. */
    rows?: number;
    validatorHash: string | null;
    indexes: Array<{ name: string; id: number } & IndexShape>;
  }>;
}

export const CATALOG_KEY = "m/catalog";
const FIRST_USER_TABLE = 10001;
/** Documents of components and of imported tables stand under prefixes from here on: their table's number is no prefix of their own. */
const FIRST_FREE_ROWS = 0x8000_0000;

/**
 * System tables of every namespace: the first two are readable through `db.system`, the others are the backend's own books. Instances
 * of a store that began with format 1 have other numbers.
 */
export const SYSTEM_TABLES = {
  _storage: { number: 1, indexes: {} },
  _scheduled_functions: { number: 2, indexes: { by_due: ["state.kind", "scheduledTime"] } },
  _file_blobs: { number: 3, indexes: { by_uuid: ["uuid"], by_storage_id: ["storageId"] } },
  _cron_jobs: { number: 4, indexes: { by_name: ["name"] } },
} as const satisfies Record<string, { number: number; indexes: Record<string, string[]> }>;

export const PUBLIC_SYSTEM_TABLES = new Set(["_storage", "_scheduled_functions"]);

/** Value at a dotted path, undefined when any step is missing. */
export function fieldAt(document: JsonObject, path: string): JsonValue | undefined {
  if (!path.includes(".")) return Object.hasOwn(document, path) ? document[path] : undefined;
  let value: JsonValue | undefined = document;
  for (const step of path.split(".")) {
    if (!isPlainObject(value) || !Object.hasOwn(value, step)) return undefined;
    value = value[step];
  }
  return value;
}

/** Full store key of a document's row in an ordinary index; search/indexRows.ts knows those of every kind. */
export function indexRowKey(index: IndexDefinition, document: JsonObject, internalId: string): string {
  if (index.kind === "byId") return index.prefix + internalId;
  let key = index.prefix;
  for (const field of index.fields) key += valueKey(fieldAt(document, field));
  return key + floatKey(document._creationTime as number) + internalId;
}

/** Whether a table or an index may have that name. */
export function isIdentifier(name: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name);
}

/** Throws when a table cannot have that name. */
export function checkTableName(name: string): void {
  if (isIdentifier(name)) return;
  throw new Error(
    `Invalid table name: "${name}". Identifiers must be 64 characters or less, start with a letter, and only contain letters, digits, underscores.`,
  );
}

/** One book for the files of all instances: an upload's address names no instance. */
const APP_ONLY = new Set(["_file_blobs"]);

/** The tables of one component instance, or of the app: names and numbers, and so ids, mean something only inside it. */
export class Namespace {
  readonly byName = new Map<string, TableDefinition>();
  readonly byNumber = new Map<number, TableDefinition>();
  nextTableNumber = FIRST_USER_TABLE;

  constructor(
    /** Names of the instances from the app down, joined by slashes; empty for the app. */
    readonly path: string,
    private readonly catalog: Catalog,
  ) {}

  readonly tableNumberOf = (name: string): number | undefined => this.byName.get(name)?.number;

  /** Name of this namespace's table with that number. */
  readonly tableNameOf = (number: number): string | undefined => this.byNumber.get(number)?.name;

  /** A table that every namespace has. */
  systemTable(name: keyof typeof SYSTEM_TABLES): TableDefinition {
    return this.byName.get(name)!;
  }

  /** The table of that name, created with the next number when it is new. */
  ensureTable(name: string): TableDefinition {
    const existing = this.byName.get(name);
    if (existing) return existing;
    checkTableName(name);
    return this.catalog.addTable(this, name);
  }

  /** A number that no table of this namespace has or had. */
  newTableNumber(): number {
    while (this.byNumber.has(this.nextTableNumber)) this.nextTableNumber++;
    return this.nextTableNumber++;
  }
}

/** The definition that a snapshot of that time sees. */
export function definitionAt(table: TableDefinition | undefined, ts: bigint): TableDefinition | undefined {
  let found = table;
  while (found?.replaces && ts <= found.replaces.untilTs) found = found.replaces.table;
  return found;
}

function createTable(namespace: string, name: string, number: number, rows = number): TableDefinition {
  const docPrefix = `d${u32Key(rows)}`;
  const byId: IndexDefinition = {
    name: "by_id",
    kind: "byId",
    fields: [],
    filterFields: [],
    dimensions: 0,
    prefix: docPrefix,
    id: 0,
  };
  const indexes = new Map([["by_id", byId]]);
  return { name, number, namespace, docPrefix, indexes, validator: null, validatorHash: null };
}

function rowsOf({ docPrefix }: TableDefinition): number {
  return Buffer.from(docPrefix.slice(1), "latin1").readUInt32BE(0);
}

/** The shape that the index was declared with. */
export function shapeOf({ kind, fields, filterFields, dimensions }: IndexDefinition): IndexShape {
  if (kind === "text") return { kind, fields, filterFields };
  return kind === "vector" ? { kind, fields, filterFields, dimensions } : { fields };
}

/** Names, numbers, indexes and validators of every table; persisted as one row, changed only by the committer. */
export class Catalog {
  private readonly namespaces = new Map<string, Namespace>();
  readonly root: Namespace;
  private nextIndexId = 1;
  /** True when the in-memory catalog holds something the stored row does not. */
  dirty = false;

  constructor(stored: string | undefined) {
    if (stored !== undefined) this.restore(JSON.parse(stored) as StoredCatalog);
    this.root = this.namespace("");
  }

  /** The namespace at an instance path, with its system tables; created when it is new. */
  namespace(path: string): Namespace {
    const namespace = this.knownNamespace(path);
    for (const [name, system] of Object.entries(SYSTEM_TABLES)) {
      if (path !== "" && APP_ONLY.has(name)) continue;
      const table = namespace.byName.get(name) ?? this.addTable(namespace, name, system.number);
      for (const [index, fields] of Object.entries(system.indexes)) {
        if (!table.indexes.has(index)) this.addIndex(table, index, { fields });
      }
    }
    return namespace;
  }

  /** Every table of every namespace, mounted or not. */
  tables(): TableDefinition[] {
    return [...this.namespaces.values()].flatMap(({ byNumber }) => [...byNumber.values()]);
  }

  private knownNamespace(path: string): Namespace {
    let namespace = this.namespaces.get(path);
    if (!namespace) this.namespaces.set(path, (namespace = new Namespace(path, this)));
    return namespace;
  }

  private restore(stored: StoredCatalog): void {
    this.nextIndexId = stored.nextIndexId;
    for (const entry of stored.tables) {
      const namespace = this.knownNamespace(entry.namespace ?? "");
      namespace.nextTableNumber = stored.nextTableNumbers?.[namespace.path] ?? stored.nextTableNumber;
      const table = this.registerTable(namespace, entry.name, entry.number, entry.rows);
      table.validatorHash = entry.validatorHash;
      for (const index of entry.indexes) this.registerIndex(table, index.name, index.id, index);
    }
  }

  private registerTable(namespace: Namespace, name: string, number: number, rows?: number): TableDefinition {
    const table = createTable(namespace.path, name, number, rows);
    namespace.byName.set(name, table);
    namespace.byNumber.set(number, table);
    return table;
  }

  private registerIndex(
    table: TableDefinition,
    name: string,
    id: number,
    shape: IndexShape,
  ): IndexDefinition {
    const index: IndexDefinition = {
      name,
      kind: shape.kind ?? (name === "by_creation_time" ? "byCreationTime" : "fields"),
      fields: [...shape.fields],
      filterFields: shape.filterFields ?? [],
      dimensions: shape.dimensions ?? 0,
      prefix: `i${u32Key(id)}`,
      id,
    };
    table.indexes.set(name, index);
    return index;
  }

  addTable(namespace: Namespace, name: string, number = namespace.newTableNumber()): TableDefinition {
    const table = this.registerTable(
      namespace,
      name,
      number,
      namespace.path === "" ? number : this.freeRows(),
    );
    this.addIndex(table, "by_creation_time", { fields: [] });
    return table;
  }

  /** Adds an index whose rows do not exist yet; the caller backfills it before the catalog is stored. */
  addIndex(table: TableDefinition, name: string, shape: IndexShape): IndexDefinition {
    this.dirty = true;
    return this.registerIndex(table, name, this.nextIndexId++, shape);
  }

  removeIndex(table: TableDefinition, name: string): void {
    this.dirty = true;
    table.indexes.delete(name);
  }

  setValidatorHash(table: TableDefinition, hash: string | null): void {
    if (table.validatorHash === hash) return;
    table.validatorHash = hash;
    this.dirty = true;
  }

  private freeRows(): number {
    return FIRST_FREE_ROWS + this.nextIndexId++;
  }

  /**
   * An empty table with the indexes of `like` and key prefixes that nothing uses, for rows that {@link replaceTables} will show.
   * Nobody sees it before.
   */
  stageTable(
    namespace: Namespace,
    name: string,
    number: number,
    like: TableDefinition | undefined,
  ): TableDefinition {
    const staged = createTable(namespace.path, name, number, this.freeRows());
    this.addIndex(staged, "by_creation_time", { fields: [] });
    for (const index of like?.indexes.values() ?? []) {
      if (!staged.indexes.has(index.name)) this.addIndex(staged, index.name, shapeOf(index));
    }
    return staged;
  }

  /** Puts staged tables in the place of those of the same name, for every snapshot after `untilTs`. */
  replaceTables(staged: TableDefinition[], untilTs: bigint): void {
    this.dirty = true;
    const replaced = staged.map((table) => {
      const namespace = this.knownNamespace(table.namespace);
      const old = namespace.byName.get(table.name);
      if (old && namespace.byNumber.get(old.number) === old) namespace.byNumber.delete(old.number);
      return { table, namespace, old };
    });
    for (const { table, namespace, old } of replaced) {
      table.replaces = { table: old, untilTs };
      table.validator = old?.validator ?? null;
      table.validatorHash = old?.validatorHash ?? null;
      namespace.byName.set(table.name, table);
      namespace.byNumber.set(table.number, table);
      namespace.nextTableNumber = Math.max(namespace.nextTableNumber, table.number + 1);
    }
  }

  serialise(): string {
    const stored: StoredCatalog = {
      nextTableNumber: this.root.nextTableNumber,
      nextTableNumbers: Object.fromEntries(
        [...this.namespaces.values()].map(({ path, nextTableNumber }) => [path, nextTableNumber]),
      ),
      nextIndexId: this.nextIndexId,
      tables: this.tables().map((table) => ({
        name: table.name,
        number: table.number,
        ...(table.namespace === "" ? {} : { namespace: table.namespace }),
        ...(rowsOf(table) === table.number ? {} : { rows: rowsOf(table) }),
        validatorHash: table.validatorHash,
        indexes: [...table.indexes.values()]
          .filter((index) => index.kind !== "byId")
          .map((index) => ({ name: index.name, id: index.id, ...shapeOf(index) })),
      })),
    };
    return JSON.stringify(stored);
  }
}
