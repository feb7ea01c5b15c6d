import type { TransactionReader } from "../transaction/transactionReader";
import { afterKey, afterPrefix } from "../values/keys";

const FIRST_BLOCK = 16;
const MAX_BLOCK = 1024;

/**
 * Walks the rows of one sorted list (all keys with a prefix), pending writes included. A row's position is the `width` bytes
 * after the prefix. Reads ahead in blocks that grow while rows are consumed and shrink when they are skipped.
 */
export class RowCursor {
  private buffer: string[] = [];
  private at = 0;
  private exhausted = false;
  /** Where the next block starts. */
  private rest: string;
  private readonly end: string;
  private block = FIRST_BLOCK;
  private consumed = 0;

  constructor(
    private readonly tx: TransactionReader,
    private readonly prefix: string,
    private readonly width: number,
    private readonly maxBlock = MAX_BLOCK,
  ) {
    this.rest = prefix;
    this.end = afterPrefix(prefix);
  }

  /** Stands on the first of these rows, which begin the list; `complete` says that there are no others. */
  startWith(rows: string[], complete: boolean): void {
    this.buffer = rows;
    this.exhausted = complete;
    this.rest = afterKey(rows.at(-1)!);
    this.block = this.maxBlock;
  }

  /** The current row; only while {@link position} is not null. */
  get row(): string {
    return this.buffer[this.at]!;
  }

  /** Position of the current row, null at the end or before the first {@link load}. */
  get position(): string | null {
    const row = this.buffer[this.at];
    if (row === undefined) return null;
    return row.slice(this.prefix.length, this.prefix.length + this.width);
  }

  /** Steps to the next row; false when {@link load} must be awaited to know it. */
  step(): boolean {
    this.consumed++;
    return ++this.at < this.buffer.length;
  }

  /** Reads the next block; the cursor stands on its first row, or at the end of the list. */
  async load(): Promise<void> {
    this.buffer = [];
    this.at = 0;
    while (this.buffer.length === 0 && !this.exhausted) {
      const range = { from: this.rest, to: this.end };
      const { keys, exhausted, covered } = await this.tx.scanKeys(range, false, this.block);
      this.buffer = keys;
      this.exhausted = exhausted;
      this.rest = covered.to;
      this.block = Math.min(this.maxBlock, this.block * 4);
    }
    this.consumed = 0;
  }

  /** Moves forward to the first row at or after a position. */
  async seek(position: string): Promise<void> {
    const target = this.prefix + position;
    if (this.buffer.length > 0 && this.buffer.at(-1)! >= target) {
      while (this.buffer[this.at]! < target) this.at++;
      this.consumed++;
      return;
    }
    if (this.consumed * 2 < this.buffer.length) this.block = Math.min(this.maxBlock, FIRST_BLOCK);
    if (target > this.rest) this.rest = target;
    await this.load();
  }
}
