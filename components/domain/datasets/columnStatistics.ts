/** What the columns of a dataset hold, read from its Parquet file in the browser. */

export interface ColumnStatistics {
  name: string;
  min: number;
  max: number;
  /** Unknown where only the footer of a large file was read. */
  mean?: number;
  /** Population standard deviation, in the column's own unit. */
  deviation?: number;
}

/** Larger files are known by their footer alone: minimum and maximum of every column. */
export const READ_WHOLE_BYTES = 32 * 1024 * 1024;

/** Running minimum, maximum, mean and deviation (Welford 1962), one value after the other. */
export class Running {
  private count = 0;
  private mean = 0;
  private squares = 0;
  private min = Number.POSITIVE_INFINITY;
  private max = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    this.count += 1;
    const step = value - this.mean;
    this.mean += step / this.count;
    this.squares += step * (value - this.mean);
    this.min = Math.min(this.min, value);
    this.max = Math.max(this.max, value);
  }

  statistics(name: string): ColumnStatistics {
    const { min, max, mean } = this;
    return { name, min, max, mean, deviation: Math.sqrt(this.squares / this.count) };
  }
}

/** Reads a dataset's file at `url`. Throws an Error with a sentence when it cannot be fetched or read. */
export async function readColumnStatistics(url: string, bytes: number): Promise<ColumnStatistics[]> {
  const parquet = await import("hyparquet");
  if (bytes > READ_WHOLE_BYTES) {
    const file = await parquet.asyncBufferFromUrl({ url, byteLength: bytes });
    return fromFooter(await parquet.parquetMetadataAsync(file));
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`The file of the dataset answers HTTP ${response.status}`);
  const running = new Map<string, Running>();
  await parquet.parquetRead({
    file: await response.arrayBuffer(),
    onChunk: ({ columnName, columnData }) => {
      const column = running.get(columnName) ?? new Running();
      running.set(columnName, column);
      for (const value of columnData) column.add(Number(value));
    },
  });
  return [...running].map(([name, column]) => column.statistics(name));
}

interface Footer {
  row_groups: {
    columns: {
      meta_data?: { path_in_schema: string[]; statistics?: { min_value?: unknown; max_value?: unknown } };
    }[];
  }[];
}

/** Minimum and maximum over the row groups. */
export function fromFooter({ row_groups }: Footer): ColumnStatistics[] {
  const columns = new Map<string, ColumnStatistics>();
  for (const { meta_data } of row_groups.flatMap((group) => group.columns)) {
    if (meta_data?.statistics?.min_value === undefined) continue;
    const name = meta_data.path_in_schema.join(".");
    const min = Number(meta_data.statistics.min_value);
    const max = Number(meta_data.statistics.max_value);
    const known = columns.get(name) ?? { name, min, max };
    columns.set(name, { name, min: Math.min(known.min, min), max: Math.max(known.max, max) });
  }
  return [...columns.values()];
}
