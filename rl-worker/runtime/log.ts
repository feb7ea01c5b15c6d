/** Structured logs: one JSON object a line on stderr, so that stdout stays for results. */
export type LogFields = Record<string, string | number | boolean | null | undefined>;

export interface Logger {
  info(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

export function createLogger(
  component: string,
  write: (line: string) => void = (line) => process.stderr.write(line),
): Logger {
  const emit = (level: string, event: string, fields: LogFields = {}) =>
    write(`${JSON.stringify({ at: new Date().toISOString(), level, component, event, ...fields })}\n`);
  return {
    info: (event, fields) => emit("info", event, fields),
    error: (event, fields) => emit("error", event, fields),
  };
}

/** A wrong id as Convex reports it: path, value and the table that was meant, or the first of several. */
const WRONG_ID =
  /ArgumentValidationError[\s\S]*Path: \.(\w+)\s+Value: "([^"]*)"\s+Validator: (?:v\.union\()?v\.id\("(\w+)"\)/;

/** The same for the id of a row of another table. */
const OTHER_TABLE = /Found ID "([^"]*)"[\s\S]*validator `v\.id\("(\w+)"\)`[\s\S]*Path: \.(\w+)/;

function readable(message: string): string {
  const wrongId = WRONG_ID.exec(message);
  if (wrongId !== null) return `${wrongId[1]} "${wrongId[2]}" is not an id of ${wrongId[3]}; see: assay list`;
  const other = OTHER_TABLE.exec(message);
  if (other !== null) return `${other[3]} "${other[1]}" is not an id of ${other[2]}; see: assay list`;
  return message;
}

/** The message of anything thrown; a ConvexError's own message when it carries our error data. */
export function messageOf(error: unknown): string {
  if (typeof error === "object" && error !== null && "data" in error) {
    const data = (error as { data: unknown }).data;
    if (typeof data === "object" && data !== null && "message" in data && typeof data.message === "string") {
      return data.message;
    }
  }
  return readable(error instanceof Error ? error.message : String(error));
}

/** The code of our error data, or null. */
export function codeOf(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("data" in error)) return null;
  const data = (error as { data: unknown }).data;
  if (typeof data !== "object" || data === null || !("code" in data)) return null;
  return typeof data.code === "string" ? data.code : null;
}
