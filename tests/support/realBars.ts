/** Bars for tests that want a real market: a range of the shared one-minute file, or null where it is absent. */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { sharedData } from "./assay";

const FILE = "xauusd_1m_20211031_20250731.csv.gz";

/** CSV lines with open times in [from, to), without the header. */
export async function realBars(from: string, to: string): Promise<string[] | null> {
  const file = sharedData(FILE);
  if (file === null) return null;
  const fromMs = Date.parse(from);
  const toMs = Date.parse(to);
  const lines: string[] = [];
  const reader = createInterface({
    input: createReadStream(file).pipe(createGunzip()),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const line of reader) {
    const time = Number(line.slice(0, 13));
    if (time >= toMs) break;
    if (time >= fromMs) lines.push(line);
  }
  return lines;
}
