/** Convex's documented limits, with Convex's wording. */
export const LIMITS = {
  documentsRead: 32_000,
  bytesRead: 16 << 20,
  rangesRead: 4_096,
  documentsWritten: 16_000,
  bytesWritten: 16 << 20,
  functionsScheduled: 1_000,
  scheduledArgsBytes: 16 << 20,
  argsBytes: 16 << 20,
  returnBytes: 16 << 20,
  logLines: 256,
  httpBodyBytes: 20 << 20,
} as const;

/** A transaction has used up what it may read; a page ends early at it instead of failing. */
export class ReadLimitError extends Error {
  override name = "Error";
}

const READ_ADVICE =
  "Consider using smaller limits in your queries, paginating your queries, or using indexed queries with a selective index range expressions.";

/** Counts what one top-level query or mutation has used; nested calls share it. */
export class Usage {
  documentsRead = 0;
  bytesRead = 0;
  rangesRead = 0;
  documentsWritten = 0;
  bytesWritten = 0;
  functionsScheduled = 0;
  scheduledArgsBytes = 0;

  readRange(): void {
    if (++this.rangesRead > LIMITS.rangesRead) {
      throw new ReadLimitError(
        `Too many reads in a single function execution (limit: ${LIMITS.rangesRead}). ${READ_ADVICE}`,
      );
    }
  }

  readDocument(bytes: number): void {
    this.bytesRead += bytes;
    if (++this.documentsRead > LIMITS.documentsRead) {
      throw new ReadLimitError(
        `Too many documents read in a single function execution (limit: ${LIMITS.documentsRead}). ${READ_ADVICE}`,
      );
    }
    if (this.bytesRead > LIMITS.bytesRead) {
      throw new ReadLimitError(
        `Too many bytes read in a single function execution (limit: ${LIMITS.bytesRead} bytes). ${READ_ADVICE}`,
      );
    }
  }

  wroteDocument(bytes: number): void {
    this.bytesWritten += bytes;
    if (++this.documentsWritten > LIMITS.documentsWritten) {
      throw new Error(`Too many writes in a single function execution (limit: ${LIMITS.documentsWritten})`);
    }
    if (this.bytesWritten > LIMITS.bytesWritten) {
      throw new Error(
        `Too many bytes written in a single function execution (limit: ${LIMITS.bytesWritten} bytes)`,
      );
    }
  }

  scheduled(argsBytes: number): void {
    this.scheduledArgsBytes += argsBytes;
    if (++this.functionsScheduled > LIMITS.functionsScheduled) {
      throw new Error(`Too many functions scheduled by this mutation (limit: ${LIMITS.functionsScheduled})`);
    }
    if (this.scheduledArgsBytes > LIMITS.scheduledArgsBytes) {
      throw new Error(
        `Too large total size of the arguments of scheduled functions from this mutation (limit: ${LIMITS.scheduledArgsBytes} bytes)`,
      );
    }
  }

  /** The shape `ctx.meta.getTransactionMetrics()` returns, in plain numbers. */
  metrics(): Record<string, { used: number; remaining: number }> {
    const entry = (used: number, limit: number) => ({ used, remaining: Math.max(0, limit - used) });
    return {
      bytesRead: entry(this.bytesRead, LIMITS.bytesRead),
      bytesWritten: entry(this.bytesWritten, LIMITS.bytesWritten),
      databaseQueries: entry(this.rangesRead, LIMITS.rangesRead),
      documentsRead: entry(this.documentsRead, LIMITS.documentsRead),
      documentsWritten: entry(this.documentsWritten, LIMITS.documentsWritten),
      functionsScheduled: entry(this.functionsScheduled, LIMITS.functionsScheduled),
      scheduledFunctionArgsBytes: entry(this.scheduledArgsBytes, LIMITS.scheduledArgsBytes),
    };
  }
}
