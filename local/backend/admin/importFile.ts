import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { linesOf, ZipError, ZipReader } from "../archive/zipReader";
import { isPlainObject, type JsonObject, type JsonValue } from "../values/encoded";
import { parseCsvRecord, recordsOf } from "./csv";
import { fromExportJson, fromPlainJson } from "./exportJson";

/** What is wrong with an import, in a sentence for whoever runs it. */
export class ImportError extends Error {}

export type ImportFormat = "zip" | "jsonLines" | "jsonArray" | "csv";

/** One table of an import. */
export interface ImportedTable {
  /** Instance path of the component that it belongs to; empty for the app. */
  component: string;
  name: string;
  /** The table's number where it was exported, when the file says so. */
  number: number | null;
  /** Its documents as encoded JSON, each time from the start. Throws ImportError naming the row. */
  rows(): AsyncIterable<JsonObject>;
}

/** A stored file of an import. */
export interface ImportedFile {
  storageId: string;
  bytes(): AsyncIterable<Buffer>;
}

/** The file storage of one component instance: its `_storage` documents and the files. */
export interface ImportedStorage extends ImportedTable {
  files: ImportedFile[];
}

export interface ImportSource {
  tables: ImportedTable[];
  storages: ImportedStorage[];
  close(): Promise<void>;
}

const MAX_ARRAY_BYTES = 16 << 20;
const DOCUMENTS = /^(.*\/)?([^/]+)\/documents\.jsonl$/;
const GENERATED_SCHEMA = /^(.*\/)?([^/]+)\/generated_schema\.jsonl$/;
const STORED_FILE = /^(.*\/)?_storage\/([^/.]+)(?:\.[^/]+)?$/;

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Decodes each row, and says which one is wrong when one is. */
async function* decoded<T>(
  table: string,
  rows: AsyncIterable<T> | Iterable<T>,
  decode: (row: T) => JsonValue | undefined,
): AsyncGenerator<JsonObject> {
  let number = 0;
  try {
    for await (const row of rows) {
      number++;
      const value = decode(row);
      if (value === undefined) continue;
      if (!isPlainObject(value)) throw new Error("A document must be an object.");
      yield value;
    }
  } catch (error) {
    if (error instanceof ImportError) throw error;
    if (error instanceof ZipError) throw new ImportError(error.message);
    throw new ImportError(`Row ${number} of table "${table}": ${messageOf(error)}`);
  }
}

function decodeLine(line: string, uniform: boolean): JsonValue | undefined {
  if (line.trim() === "") return undefined;
  return uniform ? fromExportJson(line) : fromPlainJson(JSON.parse(line) as JsonValue);
}

async function* csvRows(path: string, table: string): AsyncGenerator<JsonObject> {
  let fields: string[] | null = null;
  yield* decoded(table, recordsOf(linesOf(createReadStream(path))), (record) => {
    const cells = parseCsvRecord(record);
    if (!fields) {
      fields = cells.map((name) => name.trim());
      return undefined;
    }
    if (record === "") return undefined;
    if (cells.length !== fields.length)
      throw new Error(`${cells.length} cells, but the header has ${fields.length}.`);
    return fromPlainJson(Object.fromEntries(fields.map((name, i) => [name, cellValue(cells[i]!)])));
  });
}

/** A cell is a float64 when it reads as a decimal number, else text. */
function cellValue(cell: string): JsonValue {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(cell) ? Number(cell) : cell;
}

async function* arrayRows(path: string, table: string): AsyncGenerator<JsonObject> {
  const { size } = await stat(path);
  if (size > MAX_ARRAY_BYTES)
    throw new ImportError(
      `A JSON array of ${size} bytes is over the limit of ${MAX_ARRAY_BYTES}; write one document a line and import it as .jsonl.`,
    );
  let array: unknown;
  try {
    array = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new ImportError(`The file is not JSON: ${messageOf(error)}`);
  }
  if (!Array.isArray(array)) throw new ImportError("The file must be a JSON array of objects.");
  yield* decoded(table, array as JsonValue[], fromPlainJson);
}

function singleTable(path: string, format: ImportFormat, component: string, name: string): ImportSource {
  const rows = {
    csv: () => csvRows(path, name),
    jsonArray: () => arrayRows(path, name),
    jsonLines: () => decoded(name, linesOf(createReadStream(path)), (line) => decodeLine(line, false)),
    zip: () => {
      throw new ImportError("A ZIP archive names its tables itself.");
    },
  }[format];
  return { tables: [{ component, name, number: null, rows }], storages: [], close: async () => {} };
}

/** `_components/a/_components/b/` at the end of a folder, as an instance path below `base`. */
function componentOf(folder: string | undefined, base: string): string {
  const names: string[] = [];
  let rest = folder ?? "";
  for (let match = /^(.*\/)?_components\/([^/]+)\/$/.exec(rest); match; ) {
    names.unshift(match[2]!);
    rest = match[1] ?? "";
    match = /^(.*\/)?_components\/([^/]+)\/$/.exec(rest);
  }
  return [...(base === "" ? [] : [base]), ...names].join("/");
}

async function textOf(bytes: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

async function openArchive(path: string, base: string): Promise<ImportSource> {
  const zip = await ZipReader.open(path);
  const keyOf = (component: string, name: string) => `${component}\n${name}`;
  const uniform = new Set<string>();
  const numbers = new Map<string, number>();
  const source: ImportSource = { tables: [], storages: [], close: () => zip.close() };
  const storages = new Map<string, ImportedStorage>();
  const storageOf = (component: string): ImportedStorage => {
    let storage = storages.get(component);
    if (!storage) {
      const none = async function* (): AsyncGenerator<JsonObject> {};
      storage = { component, name: "_storage", number: null, rows: none, files: [] };
      storages.set(component, storage);
    }
    return storage;
  };
  for (const entry of zip.entries) {
    const schema = GENERATED_SCHEMA.exec(entry.name);
    if (schema) {
      const text = (await textOf(zip.read(entry))).trim();
      if (text !== '"uniform"')
        throw new ImportError(
          `${entry.name} is of an older format of exports; export the deployment again with a current Convex.`,
        );
      uniform.add(keyOf(componentOf(schema[1], base), schema[2]!));
    }
    const tables = DOCUMENTS.exec(entry.name);
    if (tables?.[2] === "_tables") {
      for await (const line of linesOf(zip.read(entry))) {
        if (line.trim() === "") continue;
        const { name, id } = JSON.parse(line) as { name: string; id: number };
        numbers.set(keyOf(componentOf(tables[1], base), name), id);
      }
    }
  }
  for (const entry of zip.entries) {
    const documents = DOCUMENTS.exec(entry.name);
    const stored = STORED_FILE.exec(entry.name);
    if (documents) {
      const component = componentOf(documents[1], base);
      const name = documents[2]!;
      const isUniform = uniform.has(keyOf(component, name));
      const rows = () => decoded(name, linesOf(zip.read(entry)), (line) => decodeLine(line, isUniform));
      if (name === "_storage") storageOf(component).rows = rows;
      if (name.startsWith("_")) continue;
      source.tables.push({ component, name, number: numbers.get(keyOf(component, name)) ?? null, rows });
    } else if (stored) {
      const storage = storageOf(componentOf(stored[1], base));
      storage.files.push({ storageId: stored[2]!, bytes: () => zip.read(entry) });
    }
  }
  source.storages.push(...storages.values());
  return source;
}

/** Opens an uploaded file. Throws ImportError. */
export async function openImport(
  path: string,
  format: ImportFormat,
  component: string,
  tableName: string | null,
): Promise<ImportSource> {
  if (format !== "zip") return singleTable(path, format, component, tableName!);
  try {
    return await openArchive(path, component);
  } catch (error) {
    if (error instanceof ZipError || error instanceof SyntaxError) throw new ImportError(error.message);
    throw error;
  }
}
