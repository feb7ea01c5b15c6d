/**
 * The storage port: an ordered map from binary-string keys (see values/keys.ts) to text, with snapshots and one atomic,
 * durable batch write. Everything above it is independent of the engine.
 */
export interface KeyRange {
  /** Inclusive lower bound. */
  from: string;
  /** Exclusive upper bound. */
  to: string;
}

export interface ScanOptions {
  reverse: boolean;
  limit: number;
}

export interface StoreReader {
  get(key: string): string | undefined;
  getMany(keys: string[]): Promise<Array<string | undefined>>;
  /** Up to `limit` keys of the range, ascending or (reverse) descending. */
  keys(range: KeyRange, options: ScanOptions): Promise<string[]>;
  /** Up to `limit` entries of the range, ascending. */
  entries(range: KeyRange, options: { limit: number }): Promise<Array<[string, string]>>;
}

/** A frozen view. Readers must be released, or old versions are kept on disk. */
export interface StoreSnapshot extends StoreReader {
  release(): void;
}

/** A null value deletes the key. */
export type StoreWrite = [key: string, value: string | null];

export interface Store extends StoreReader {
  snapshot(): StoreSnapshot;
  /**
   * Atomic; when `durable`, resolves only after the bytes are on the disk. Once a write has failed, every later one fails.
   * What must be told apart from damage after a power cut (everything while serving) is written durably.
   */
  write(writes: StoreWrite[], options: { durable: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** A sentence for the operator; the command line prints it and exits with code 1. */
export class OperatorError extends Error {
  override name = "OperatorError";
}

/** Whether a file system refused because it is read-only: one that had an error of its device often turns so by itself. */
export function isReadOnlyDisk(error: unknown): boolean {
  const cause = (error as { cause?: unknown })?.cause;
  return /EROFS|read-only file system/i.test(`${error} ${cause ?? ""}`);
}
