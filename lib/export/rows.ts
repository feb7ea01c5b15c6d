/** Rows as files: full precision, names with their units as stored, nothing rounded for the eye. */

type Cell = string | number | boolean | null;

/** Nested objects become dotted names; arrays stay JSON text in one cell. */
function flatten(value: unknown, prefix: string, out: Map<string, Cell>): void {
  if (value === undefined) return;
  if (value === null || ["string", "number", "boolean"].includes(typeof value))
    out.set(prefix, value as Cell);
  else if (Array.isArray(value)) out.set(prefix, JSON.stringify(value));
  else {
    for (const [key, part] of Object.entries(value as object)) {
      flatten(part, prefix === "" ? key : `${prefix}.${key}`, out);
    }
  }
}

/** A text that a spreadsheet would run as a formula starts with an apostrophe (CWE-1236). */
function csvCell(cell: Cell | undefined): string {
  if (cell === undefined || cell === null) return "";
  const text = typeof cell === "string" && /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : String(cell);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function flat(row: object): Map<string, Cell> {
  const out = new Map<string, Cell>();
  flatten(row, "", out);
  return out;
}

const line = (cells: readonly (Cell | undefined)[]) => `${cells.map(csvCell).join(",")}\r\n`;

/** RFC 4180 with a header of all names that occur, in order of appearance. */
export function toCsv(rows: readonly object[]): string {
  const cells = rows.map(flat);
  const names = [...new Set(cells.flatMap((row) => [...row.keys()]))];
  return [line(names), ...cells.map((row) => line(names.map((name) => row.get(name))))].join("");
}

/** Turns rows into the text of a file, page by page. */
export interface RowWriter {
  text(rows: readonly object[]): string;
  /** What ends the file. */
  end(): string;
}

/**
 * CSV as the rows come, so that no more than a page is held: the header has the names of the first page and then
 * `optional`, the names that a row may lack. Throws a RangeError when a later row has yet another name.
 * With `optional` null the names are not known before the last row, and everything is written at the end.
 */
export function csvWriter(optional: readonly string[] | null): RowWriter {
  if (optional === null) {
    const all: object[] = [];
    return {
      text(rows) {
        all.push(...rows);
        return "";
      },
      end: () => toCsv(all),
    };
  }
  let names: string[] | null = null;
  return {
    text(rows) {
      const cells = rows.map(flat);
      let head = "";
      if (names === null) {
        names = [...new Set([...cells.flatMap((row) => [...row.keys()]), ...optional])];
        head = line(names);
      }
      const known = new Set(names);
      const stray = cells.flatMap((row) => [...row.keys()]).find((name) => !known.has(name));
      if (stray !== undefined) throw new RangeError(`export: a row has ${stray}, which the header lacks`);
      return head + cells.map((row) => line(names!.map((name) => row.get(name)))).join("");
    },
    end: () => "",
  };
}

/** One JSON array, a row a line. */
export function jsonWriter(): RowWriter {
  let written = 0;
  return {
    text(rows) {
      const text = rows.map((row, i) => `${written + i === 0 ? "[" : ","}\n${JSON.stringify(row)}`).join("");
      written += rows.length;
      return text;
    },
    end: () => (written === 0 ? "[]\n" : "\n]\n"),
  };
}

export interface RowPage {
  page: readonly object[];
  isDone: boolean;
  continueCursor: string;
}

/** Page after page from the first one on. */
export async function* pagesOf(
  read: (cursor: string | null) => Promise<RowPage>,
): AsyncGenerator<readonly object[], void> {
  for (let cursor: string | null = null; ; ) {
    const { page, isDone, continueCursor } = await read(cursor);
    yield page;
    if (isDone) return;
    cursor = continueCursor;
  }
}

/** Numbered parts of at most `size` rows as pages: a part that is not full is the last. */
export function partsAsPages(
  read: (part: number) => Promise<readonly object[]>,
  size: number,
): (cursor: string | null) => Promise<RowPage> {
  return async (cursor) => {
    const part = Number(cursor ?? 0);
    const page = await read(part);
    return { page, isDone: page.length < size, continueCursor: String(part + 1) };
  };
}

/** What can be exported, and the names that a row of it may lack; null where they differ from row to row. */
export const EXPORTS = {
  decisions: ["holdReason"],
  orders: ["decisionId", "reason"],
  fills: [],
  trades: [],
  evaluations: null,
} as const satisfies Record<string, readonly string[] | null>;

export type ExportKind = keyof typeof EXPORTS;
