/** CSV as RFC 4180 has it: quoted cells may hold commas, line ends and doubled quotes. */

/** Lines joined to records: a line end inside quotes does not end one. */
export async function* recordsOf(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let open: string | null = null;
  for await (const line of lines) {
    const text: string = open === null ? line : `${open}\n${line}`;
    const quotes = text.split('"').length - 1;
    open = quotes % 2 === 1 ? text : null;
    if (open === null) yield text.endsWith("\r") ? text.slice(0, -1) : text;
  }
  if (open !== null) throw new Error("A quoted cell has no closing quote.");
}

/** Cells of one record. Throws with a sentence. */
export function parseCsvRecord(record: string): string[] {
  const cell = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  const cells: string[] = [];
  for (;;) {
    const match = cell.exec(record);
    if (!match) throw new Error(`Cell ${cells.length + 1} has a quote in the wrong place.`);
    cells.push(match[1] === undefined ? match[2]! : match[1].replaceAll('""', '"'));
    if (match[3] === "") return cells;
  }
}
