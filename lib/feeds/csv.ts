import { err, ok, type Result } from "../core/result";
import { pointProblem } from "./chunk";
import type { FeedEvent } from "./events";
import { type FeedName, type FeedPoint, isEventFeed, valueProblem } from "./types";

/** What a column may be called; the first name is the one we write. */
const NAMES = {
  eventAtMs: ["event_ms", "timestamp_ms", "timestamp", "time", "fundingTime", "funding_time", "calc_time"],
  value: [
    "value",
    "rate",
    "fundingRate",
    "funding_rate",
    "last_funding_rate",
    "basis",
    "openInterest",
    "open_interest",
    "score",
  ],
  receivedAtMs: ["received_ms", "available_ms"],
  externalId: ["external_id", "externalId"],
  title: ["title"],
  corrects: ["corrects"],
  confidence: ["confidence"],
  text: ["text"],
  url: ["url"],
} as const;
type Field = keyof typeof NAMES;
const MEASURED_REQUIRED: readonly Field[] = ["eventAtMs", "value"];
const EVENT_REQUIRED: readonly Field[] = ["eventAtMs", "value", "receivedAtMs", "externalId", "title"];
const MAX_LINE_CHARS = 20_000;

/** Where the columns of a file are. */
export interface FeedCsvLayout {
  feed: FeedName;
  columns: Partial<Record<Field, number>>;
}

/** Reads the header line; the error names what is missing or twice there. */
export function readFeedHeader(feed: FeedName, line: string): Result<FeedCsvLayout> {
  const names = splitLine(line.replace(/^\uFEFF/, ""));
  if (names === null) return err("line 1 has an open quote");
  const columns: FeedCsvLayout["columns"] = {};
  for (const [at, name] of names.entries()) {
    const field = (Object.keys(NAMES) as Field[]).find((key) =>
      NAMES[key].some((known) => known === name.trim()),
    );
    if (field === undefined) continue;
    if (columns[field] !== undefined) return err(`line 1: ${name} is a second column for ${NAMES[field][0]}`);
    columns[field] = at;
  }
  const required = isEventFeed(feed) ? EVENT_REQUIRED : MEASURED_REQUIRED;
  const missing = required.filter((field) => columns[field] === undefined);
  if (missing.length === 0) return ok({ feed, columns });
  const wanted = missing.map((field) => NAMES[field].slice(0, 2).join(" or ")).join(", ");
  return err(`line 1 is "${line.slice(0, 80)}"; a ${feed} file needs a column ${wanted}`);
}

export type FeedCsvRow = { point: FeedPoint } | { event: FeedEvent & { receivedAtMs: number } };

/**
 * Reads one line after the header. A measured row without `received_ms` counts from `lagMs` after its event. Times are
 * UTC milliseconds or ISO 8601 with a zone. The error says what is wrong with the row.
 */
export function readFeedRow(
  { feed, columns }: FeedCsvLayout,
  line: string,
  lagMs: number,
): Result<FeedCsvRow> {
  if (line.length > MAX_LINE_CHARS) return err(`the line is longer than ${MAX_LINE_CHARS} characters`);
  const fields = splitLine(line);
  if (fields === null) return err("a quote is not closed on this line");
  const text = (field: Field) => fields[columns[field] ?? -1]?.trim() ?? "";
  const eventAtMs = readTime(text("eventAtMs"));
  if (Number.isNaN(eventAtMs)) return err(`"${text("eventAtMs").slice(0, 40)}" is not a time`);
  const value = readNumber(text("value"));
  const problem = valueProblem(feed, value);
  if (problem !== null) return err(problem);
  const stated = text("receivedAtMs");
  const receivedAtMs = stated === "" ? eventAtMs + lagMs : readTime(stated);
  const times = { eventAtMs, receivedAtMs, availableAtMs: receivedAtMs };
  const point: FeedPoint = { ...times, value, origin: "file" };
  const unsound = pointProblem(point);
  if (unsound !== null) return err(unsound);
  if (!isEventFeed(feed)) return ok({ point });
  if (stated === "") return err("received_ms is empty; an event counts only from when it was received");
  const confidence = text("confidence");
  const optional = { corrects: text("corrects"), text: text("text"), url: text("url") };
  return ok({
    event: {
      externalId: text("externalId"),
      title: text("title"),
      ...{ eventAtMs, receivedAtMs, score: value },
      ...(confidence !== "" && { confidence: readNumber(confidence) }),
      ...Object.fromEntries(Object.entries(optional).filter(([, given]) => given !== "")),
    },
  });
}

/** The fields of a line; `"` quotes a field and `""` is a quote inside one (RFC 4180). Null when a quote stays open. */
function splitLine(line: string): string[] | null {
  const fields: string[] = [];
  let field = "";
  let isQuoted = false;
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!;
    if (character === '"') {
      if (!isQuoted && field === "") isQuoted = true;
      else if (isQuoted && line[i + 1] === '"') field += line[++i]!;
      else if (isQuoted) isQuoted = false;
      else field += character;
    } else if (character === "," && !isQuoted) {
      fields.push(field);
      field = "";
    } else field += character;
  }
  fields.push(field);
  return isQuoted ? null : fields;
}

function readNumber(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
}

/** Milliseconds, or an ISO time that names its zone; NaN otherwise: seconds and local times are guesses. */
function readTime(text: string): number {
  if (/^\d{12,14}$/.test(text)) return Number(text);
  if (/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})$/.test(text))
    return Date.parse(text.replace(" ", "T"));
  return Number.NaN;
}
