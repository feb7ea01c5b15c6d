/** What two datasets have in common and where they differ. Pure, so that it can be tested. */
import type { DatasetManifestCore } from "@/lib/dataset/types";
import { formatBytes, formatCount, formatPercent, formatTimeExact, shortHash } from "../../format";
import { type ComparisonRow, comparisonRow } from "../compare/rows";
import type { ColumnStatistics } from "./columnStatistics";

export interface ComparedDataset {
  datasetHash: string;
  contentSha256: string;
  parquetSha256: string;
  purpose: string;
  simulated: boolean;
  featureCount: number;
  bytes: number;
  manifest: DatasetManifestCore | null;
  /** Null until its file is read. */
  columns: ColumnStatistics[] | null;
}

/** Rows of one section that are shown; the first row of the section counts them all. */
export const ROWS_SHOWN = 200;

const columnText = ({ min, max, mean, deviation }: ColumnStatistics) =>
  mean === undefined
    ? `${figure(min)} to ${figure(max)}`
    : `${figure(min)} to ${figure(max)}, mean ${figure(mean)}, sd ${figure(deviation ?? 0)}`;

/** Six significant digits, so that a difference that matters shows. */
function figure(value: number): string {
  const text = Number(value.toPrecision(6)).toString();
  return text.startsWith("-") ? `−${text.slice(1)}` : text;
}

/** Every row of the comparison: what the datasets are, their ranges, rows, source chunks and columns. */
export function datasetRows(compared: readonly ComparedDataset[]): ComparisonRow[] {
  const rows: ComparisonRow[] = [];
  const add = (section: string, label: string, cell: (one: ComparedDataset) => string | undefined) => {
    const row = comparisonRow(section, label, compared, cell);
    if (row !== null) rows.push(row);
  };
  const spec = (label: string, cell: (core: DatasetManifestCore) => string) =>
    add("Specification", label, ({ manifest }) => (manifest === null ? undefined : cell(manifest)));
  spec("Instrument", ({ instrument }) => instrument);
  spec("Timeframe", ({ timeframe }) => timeframe);
  spec("Source", ({ source, sourceTimeframe }) => `${source}, ${sourceTimeframe} bars`);
  spec("Session calendar", ({ calendar }) => calendar);
  add("Specification", "Real market", ({ simulated }) => (simulated ? "no, SIMULATED" : "yes"));
  add("Specification", "Purpose", ({ purpose }) => purpose);
  spec("Feature set", ({ featureSetId }) => featureSetId);
  add("Specification", "Feature columns", ({ featureCount }) => formatCount(featureCount));
  spec("Feature fingerprint", ({ featureFingerprint }) => shortHash(featureFingerprint));
  for (const feed of namesOf(compared, ({ manifest }) =>
    (manifest?.sideFeeds ?? []).map((row) => row.feed),
  )) {
    add("Specification", `Side feed ${feed}`, ({ manifest }) => {
      const found = manifest?.sideFeeds?.find((row) => row.feed === feed);
      return found === undefined
        ? undefined
        : `${formatCount(found.points)} points, ${shortHash(found.sha256)}`;
    });
  }
  const range = (label: string, cell: (core: DatasetManifestCore) => number) =>
    add("Range", label, ({ manifest }) => (manifest === null ? undefined : formatTimeExact(cell(manifest))));
  range("From", ({ fromMs }) => fromMs);
  range("To, not included", ({ toMs }) => toMs);
  range("First row", ({ firstRowMs }) => firstRowMs);
  range("Last row", ({ lastRowMs }) => lastRowMs);
  range("Features see bars from", ({ featuresFromMs }) => featuresFromMs);
  const bars = (label: string, cell: (core: DatasetManifestCore) => string) =>
    add("Rows", label, ({ manifest }) => (manifest === null ? undefined : cell(manifest)));
  bars("Rows", (core) => formatCount(core.rows));
  bars("Warm-up bars before the first", ({ warmupBars }) => formatCount(warmupBars));
  bars("Bars expected", ({ quality }) => formatCount(quality.expectedBars));
  bars(
    "Bars missing",
    ({ quality }) => `${formatCount(quality.missingBars)} in ${formatCount(quality.gaps)} gaps`,
  );
  bars("Coverage", ({ quality }) => formatPercent(quality.coveragePct / 100));
  bars("Verdict", ({ quality }) => quality.verdict);
  add("Rows", "File", ({ bytes }) => formatBytes(bytes));
  add("Hashes", "Dataset", ({ datasetHash }) => shortHash(datasetHash));
  add("Hashes", "Rows alone", ({ contentSha256 }) => shortHash(contentSha256));
  add("Hashes", "Parquet file", ({ parquetSha256 }) => shortHash(parquetSha256));
  rows.push(...chunkRows(compared), ...columnRows(compared));
  return rows;
}

function namesOf(
  compared: readonly ComparedDataset[],
  names: (one: ComparedDataset) => readonly string[],
): string[] {
  return [...new Set(compared.flatMap(names))];
}

/** Differing ones first, so that a bound on the rows hides none of them before an equal one. */
function bounded(rows: ComparisonRow[], noun: string): ComparisonRow[] {
  if (rows.length === 0) return [];
  const differing = rows.filter((row) => row.differs);
  const ordered = [...differing, ...rows.filter((row) => !row.differs)];
  const { section, values } = rows[0]!;
  const said = `${formatCount(differing.length)} of ${formatCount(rows.length)} differ`;
  const shown = ordered.length > ROWS_SHOWN ? `; ${formatCount(ROWS_SHOWN)} shown` : "";
  const summary = {
    section,
    label: `${noun}${shown}`,
    values: values.map(() => said),
    differs: differing.length > 0,
  };
  return [summary, ...ordered.slice(0, ROWS_SHOWN)];
}

function chunkRows(compared: readonly ComparedDataset[]): ComparisonRow[] {
  const hashes = compared.map(
    ({ manifest }) => new Map((manifest?.sourceChunks ?? []).map((row) => [row.chunkStartMs, row.sha256])),
  );
  const starts = [...new Set(hashes.flatMap((chunks) => [...chunks.keys()]))].sort((a, b) => a - b);
  const rows = starts.map((startMs) => {
    const values = hashes.map((chunks) => chunks.get(startMs));
    return {
      section: "Source chunks",
      label: `From ${formatTimeExact(startMs)}`,
      values: values.map((hash) => (hash === undefined ? "not in it" : shortHash(hash))),
      differs: new Set(values).size > 1,
    };
  });
  return bounded(rows, "Chunks");
}

function columnRows(compared: readonly ComparedDataset[]): ComparisonRow[] {
  if (compared.some(({ columns }) => columns === null)) return [];
  const rows = namesOf(compared, ({ columns }) => columns!.map(({ name }) => name)).map((name) => {
    const values = compared.map(({ columns }) => {
      const found = columns!.find((column) => column.name === name);
      return found === undefined ? "not in it" : columnText(found);
    });
    return { section: "Columns", label: name, values, differs: new Set(values).size > 1 };
  });
  return bounded(rows, "Columns");
}
