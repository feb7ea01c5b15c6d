import { type PageRequest, readPage } from "../transaction/pages";
import { QueryStream, resolveSource, type SerializedQuery } from "../transaction/queryStream";
import { type Soon, whenReady } from "../transaction/soon";
import type { Transaction } from "../transaction/transaction";
import { idArgument } from "../transaction/transactionReader";
import { encodeInt64, isPlainObject, type JsonObject, type JsonValue } from "../values/encoded";
import { decodeId, encodeId } from "../values/ids";
import type { CallState } from "./callState";
import type { AsyncSyscall, SyncSyscall } from "./syscalls";

export function transactionOf(state: CallState): Transaction {
  if (!state.tx) throw new Error("The database is only available in queries and mutations.");
  return state.tx;
}

function tableArgument(args: JsonObject): string | undefined {
  return typeof args.table === "string" ? args.table : undefined;
}

/** Table and internal id of the document that a write names. */
function target(state: CallState, args: JsonObject, method: string) {
  const tx = transactionOf(state);
  const [table, internalId] = tx.tableOfId(idArgument(args.id, method), tableArgument(args), false, method);
  return { tx, table, internalId };
}

function objectArgument(value: JsonValue | undefined, method: string): JsonObject {
  if (isPlainObject(value)) return value;
  throw new Error(`Invalid argument \`value\` for \`${method}\`: expected an object.`);
}

function streamStep(text: string | null): string {
  return text === null ? '{"value":null,"done":true}' : `{"value":${text},"done":false}`;
}

/** Asked for each document that a function reads, so the arguments of a stream are parsed at its first one only. */
export function readNext(state: CallState, argsText: string): Soon<string> {
  let { lastRead } = state;
  if (lastRead?.argsText !== argsText) {
    const stream = state.streams.get((JSON.parse(argsText) as { queryId: number }).queryId);
    if (!stream) throw new Error("This query is closed and can't emit any more values.");
    lastRead = state.lastRead = { argsText, stream };
  }
  return whenReady(lastRead.stream.next(), streamStep);
}

const COUNT_BLOCK = 1024;

/** How many documents a table holds; reads no document, so the limits on documents read do not apply. */
async function countRows(tx: Transaction, tableName: string): Promise<number> {
  const { table, range } = resolveSource(tx, { type: "FullTableScan", tableName, order: "asc" });
  tx.usage.readRange();
  if (!table) return 0;
  tx.reads?.range(range.from, range.to);
  let count = 0;
  for (let { from } = range; ; ) {
    const { keys, exhausted, covered } = await tx.scanKeys({ from, to: range.to }, false, COUNT_BLOCK);
    count += keys.length;
    if (exhausted) return count;
    from = covered.to;
  }
}

export const syncDatabaseSyscalls: Record<string, SyncSyscall> = {
  "1.0/queryStream"(state, { query }) {
    const queryId = state.nextStreamId++;
    state.streams.set(queryId, new QueryStream(transactionOf(state), query as unknown as SerializedQuery));
    return JSON.stringify({ queryId });
  },
  "1.0/queryCleanup"(state, { queryId }) {
    state.streams.delete(queryId as number);
    state.lastRead = null;
    return "null";
  },
  "1.0/db/normalizeId"(state, { table, idString }) {
    const decoded = decodeId(idString as string);
    const number = state.component.namespace.tableNumberOf(table as string);
    const id = decoded && decoded.tableNumber === number ? encodeId(number, decoded.internalId) : null;
    return JSON.stringify({ id });
  },
  "1.0/getSnapshotTs": (state) => JSON.stringify(encodeInt64(transactionOf(state).visibleTs)),
  "1.0/componentArgument": () => "null",
};

export const databaseSyscalls: Record<string, AsyncSyscall> = {
  "1.0/get"(state, args) {
    const tx = transactionOf(state);
    const [table, internalId] = tx.tableOfId(
      idArgument(args.id, "db.get"),
      tableArgument(args),
      args.isSystem === true,
      "db.get",
    );
    return tx.read(table, internalId)?.text ?? "null";
  },
  async "1.0/queryPage"(state, args) {
    if (!state.component.isApp) throw new Error("paginate() is only supported in the app.");
    const request = args as unknown as PageRequest;
    const tx = transactionOf(state);
    const { journal } = state.root;
    const page = await readPage(tx, {
      ...request,
      maximumRowsRead: request.maximumRowsRead ?? null,
      endCursor: request.endCursor ?? (tx.isNested ? null : journal.before),
    });
    // The journal is that of the query a client watches; a nested one has none.
    if (!tx.isNested) journal.after = page.continueCursor;
    const { documents, ...rest } = page;
    return `{"page":[${documents.join(",")}],${JSON.stringify(rest).slice(1)}`;
  },
  async "1.0/count"(state, { table }) {
    return String(await countRows(transactionOf(state), table as string));
  },
  "1.0/insert"(state, { table, value }) {
    if ((table as string).startsWith("_"))
      throw new Error("System tables (prefixed with `_`) are read-only.");
    const id = transactionOf(state).insert(table as string, objectArgument(value, "db.insert"));
    return JSON.stringify({ _id: id });
  },
  "1.0/shallowMerge"(state, args) {
    const { tx, table, internalId } = target(state, args, "db.patch");
    tx.patch(table, internalId, objectArgument(args.value, "db.patch"));
    return "null";
  },
  "1.0/replace"(state, args) {
    const { tx, table, internalId } = target(state, args, "db.replace");
    tx.replace(table, internalId, objectArgument(args.value, "db.replace"));
    return "null";
  },
  "1.0/remove"(state, args) {
    const { tx, table, internalId } = target(state, args, "db.delete");
    tx.remove(table, internalId);
    return "null";
  },
  "1.0/getTransactionMetrics": (state) => JSON.stringify(transactionOf(state).usage.metrics()),
};
