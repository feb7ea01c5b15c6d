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

/** RFC 4180 with a header of all names that occur, in order of appearance. */
export function toCsv(rows: readonly object[]): string {
  const flat = rows.map((row) => {
    const out = new Map<string, Cell>();
    flatten(row, "", out);
    return out;
  });
  const names = [...new Set(flat.flatMap((row) => [...row.keys()]))];
  return [names.map(csvCell), ...flat.map((row) => names.map((name) => csvCell(row.get(name))))]
    .map((cells) => `${cells.join(",")}\r\n`)
    .join("");
}
