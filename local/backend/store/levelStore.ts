import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { ClassicLevel } from "classic-level";
import { bufferToKey, keyToBuffer } from "../values/keys";
import { findDamage } from "./damage";
import {
  isReadOnlyDisk,
  type KeyRange,
  OperatorError,
  type Store,
  type StoreReader,
  type StoreSnapshot,
} from "./store";

type Level = ClassicLevel<Buffer, string>;
type LevelSnapshot = ReturnType<Level["snapshot"]>;

const ITERATOR_BYTES = 1 << 20;

function reader(db: Level, snapshot: LevelSnapshot | undefined): StoreReader {
  // classic-level's typings want the property absent rather than undefined.
  const at = (snapshot ? { snapshot } : {}) as object;
  return {
    get: (key) => (snapshot ? db.getSync(keyToBuffer(key), at) : db.getSync(keyToBuffer(key))),
    getMany: (keys) => db.getMany(keys.map(keyToBuffer), at),
    async keys(range, { reverse, limit }) {
      const iterator = db.keys({
        ...bounds(range),
        ...at,
        reverse,
        limit,
        highWaterMarkBytes: ITERATOR_BYTES,
      });
      return (await iterator.all()).map(bufferToKey);
    },
    async entries(range, { limit }) {
      const iterator = db.iterator({ ...bounds(range), ...at, limit, highWaterMarkBytes: ITERATOR_BYTES });
      return (await iterator.all()).map(([key, value]) => [bufferToKey(key), value]);
    },
  };
}

function bounds(range: KeyRange): { gte: Buffer; lt: Buffer } {
  return { gte: keyToBuffer(range.from), lt: keyToBuffer(range.to) };
}

function explainOpenFailure(directory: string, error: unknown): OperatorError {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  const detail = cause?.message ?? (error instanceof Error ? error.message : String(error));
  if (isReadOnlyDisk(error)) return readOnly(directory);
  if (cause?.code === "LEVEL_LOCKED") {
    return new OperatorError(
      `The data folder ${directory} is in use by another backend process. Stop it first or choose another --data folder.`,
    );
  }
  if (/^(Corruption|IO error)/.test(detail)) return damaged(directory, detail);
  return new OperatorError(`The store in ${directory} cannot be opened: ${detail}`);
}

function readOnly(directory: string): OperatorError {
  return new OperatorError(
    `The disk of the data folder ${directory} is read-only, so nothing was changed. Look for its error in the system log, repair it or mount it writable, then start again.`,
  );
}

function damaged(directory: string, detail: string): OperatorError {
  return new OperatorError(
    `The store in ${directory} is damaged: ${detail}. Nothing was changed. Move the data folder aside and restore it from a backup.`,
  );
}

/** What keeps the nearest folder that is there from being written; of a missing folder on a read-only disk, Node says only ENOENT. */
function refusalAbove(directory: string): unknown {
  let there = directory;
  while (!existsSync(there)) there = dirname(there);
  try {
    accessSync(there, constants.W_OK);
  } catch (error) {
    return error;
  }
}

/** Opens (or creates) the LevelDB store in `directory`. Throws OperatorError when it is locked, unwritable or damaged. */
export async function openLevelStore(directory: string): Promise<Store> {
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
  } catch (error) {
    if (isReadOnlyDisk(error) || isReadOnlyDisk(refusalAbove(directory))) throw readOnly(directory);
    throw new OperatorError(`The data folder ${directory} is not writable: ${(error as Error).message}`);
  }
  const damage = findDamage(directory);
  if (damage !== null) throw damaged(directory, damage);
  const db: Level = new ClassicLevel<Buffer, string>(directory, {
    keyEncoding: "buffer",
    valueEncoding: "utf8",
    cacheSize: 64 << 20,
    writeBufferSize: 16 << 20,
  });
  try {
    await db.open();
  } catch (error) {
    throw explainOpenFailure(directory, error);
  }
  let broken: unknown = null;
  return {
    ...reader(db, undefined),
    snapshot(): StoreSnapshot {
      const snapshot = db.snapshot();
      return { ...reader(db, snapshot), release: () => void snapshot.close() };
    },
    async write(writes, { durable }) {
      // After a failed write the log may end in half a record; one written behind it would be lost at the next start.
      if (broken !== null) throw broken;
      // Chained batches hand each operation to the engine at once: no second array of half a million objects.
      const batch = db.batch();
      for (const [key, value] of writes) {
        if (value === null) batch.del(keyToBuffer(key));
        else batch.put(keyToBuffer(key), value);
      }
      try {
        await batch.write({ sync: durable });
      } catch (error) {
        broken ??= error;
        throw error;
      }
    },
    close: () => db.close(),
  };
}
