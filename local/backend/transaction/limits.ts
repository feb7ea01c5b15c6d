/** Convex's documented limits, with Convex's wording. */
export const LIMITS = {
  documentsRead: 32_000,
  bytesRead: 16 << 20,
  rangesRead: 4_096,
  documentsWritten: 16_000,
  bytesWritten: 16 << 20,
  functionsScheduled: 1_000,
  scheduledArgsBytes: 16 << 20,
  scheduledArgsBytesEach: 4 << 20,
  // Of files in mutations Convex publishes no figures; these are ours.
  filesRead: 1_000,
  fileReadBytes: 64 << 20,
  filesWritten: 1_000,
  fileWriteBytes: 64 << 20,
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

/** What a transaction may use, by the names that {@link Usage} counts under. */
type TransactionLimits = Pick<
  Record<keyof typeof LIMITS, number>,
  | "documentsRead"
  | "bytesRead"
  | "rangesRead"
  | "documentsWritten"
  | "bytesWritten"
  | "functionsScheduled"
  | "scheduledArgsBytes"
  | "filesRead"
  | "fileReadBytes"
  | "filesWritten"
  | "fileWriteBytes"
>;

/** The names of `TransactionLimits` of convex/server. */
const LIMIT_NAMES: Record<string, keyof TransactionLimits> = {
  bytesRead: "bytesRead",
  bytesWritten: "bytesWritten",
  databaseQueries: "rangesRead",
  documentsRead: "documentsRead",
  documentsWritten: "documentsWritten",
  functionsScheduled: "functionsScheduled",
  scheduledFunctionArgsBytes: "scheduledArgsBytes",
  filesRead: "filesRead",
  fileReadBytes: "fileReadBytes",
  filesWritten: "filesWritten",
  fileWriteBytes: "fileWriteBytes",
};

/** Counts what one top-level query or mutation has used; nested calls share it, or count within their own limits too. */
export class Usage {
  documentsRead = 0;
  bytesRead = 0;
  rangesRead = 0;
  documentsWritten = 0;
  bytesWritten = 0;
  functionsScheduled = 0;
  scheduledArgsBytes = 0;
  filesRead = 0;
  fileReadBytes = 0;
  filesWritten = 0;
  fileWriteBytes = 0;

  constructor(
    private readonly limits: TransactionLimits = LIMITS,
    private readonly parent: Usage | null = null,
  ) {}

  /** Counts of a nested call that may use no more than `given`; what it uses counts here as well. */
  within(given: Record<string, unknown>): Usage {
    const limits = { ...this.limits };
    for (const [name, value] of Object.entries(given)) {
      const limit = LIMIT_NAMES[name];
      if (typeof value !== "number" || value < 0) {
        throw new Error(`transactionLimits: \`${name}\` must be a number that is not negative.`);
      }
      if (limit) limits[limit] = Math.min(limits[limit], value);
    }
    return new Usage(limits, this);
  }

  readRange(): void {
    this.parent?.readRange();
    if (++this.rangesRead > this.limits.rangesRead) {
      throw new ReadLimitError(
        `Too many reads in a single function execution (limit: ${this.limits.rangesRead}). ${READ_ADVICE}`,
      );
    }
  }

  readDocument(bytes: number): void {
    this.parent?.readDocument(bytes);
    this.bytesRead += bytes;
    if (++this.documentsRead > this.limits.documentsRead) {
      throw new ReadLimitError(
        `Too many documents read in a single function execution (limit: ${this.limits.documentsRead}). ${READ_ADVICE}`,
      );
    }
    if (this.bytesRead > this.limits.bytesRead) {
      throw new ReadLimitError(
        `Too many bytes read in a single function execution (limit: ${this.limits.bytesRead} bytes). ${READ_ADVICE}`,
      );
    }
  }

  wroteDocument(bytes: number): void {
    this.parent?.wroteDocument(bytes);
    this.bytesWritten += bytes;
    if (++this.documentsWritten > this.limits.documentsWritten) {
      throw new Error(
        `Too many writes in a single function execution (limit: ${this.limits.documentsWritten})`,
      );
    }
    if (this.bytesWritten > this.limits.bytesWritten) {
      throw new Error(
        `Too many bytes written in a single function execution (limit: ${this.limits.bytesWritten} bytes)`,
      );
    }
  }

  scheduled(argsBytes: number): void {
    this.parent?.scheduled(argsBytes);
    this.scheduledArgsBytes += argsBytes;
    if (++this.functionsScheduled > this.limits.functionsScheduled) {
      throw new Error(
        `Too many functions scheduled by this mutation (limit: ${this.limits.functionsScheduled})`,
      );
    }
    if (this.scheduledArgsBytes > this.limits.scheduledArgsBytes) {
      throw new Error(
        `Too large total size of the arguments of scheduled functions from this mutation (limit: ${this.limits.scheduledArgsBytes} bytes)`,
      );
    }
  }

  /** A mutation reads or stores a file. */
  usedFile(how: "read" | "written", sizeBytes: number): void {
    this.parent?.usedFile(how, sizeBytes);
    const [files, bytes] =
      how === "read"
        ? (["filesRead", "fileReadBytes"] as const)
        : (["filesWritten", "fileWriteBytes"] as const);
    this[files]++;
    this[bytes] += sizeBytes;
    if (this[files] > this.limits[files]) {
      throw new Error(`Too many files ${how} in a single function execution (limit: ${this.limits[files]})`);
    }
    if (this[bytes] > this.limits[bytes]) {
      throw new Error(
        `Too many bytes of files ${how} in a single function execution (limit: ${this.limits[bytes]} bytes)`,
      );
    }
  }

  /** The shape `ctx.meta.getTransactionMetrics()` returns, in plain numbers. */
  metrics(): Record<string, { used: number; remaining: number }> {
    const outer = this.parent?.metrics();
    const entries = Object.entries(LIMIT_NAMES).map(([name, counted]) => {
      const own = Math.max(0, this.limits[counted] - this[counted]);
      return [name, { used: this[counted], remaining: Math.min(own, outer?.[name]?.remaining ?? own) }];
    });
    return Object.fromEntries(entries);
  }
}
