/** How commands speak: progress on stderr, the result on stdout, with --json exactly one object as its last line. */

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | JsonValue[]
  | { [key: string]: JsonValue };

export function printResult(result: { [key: string]: JsonValue }, asJson: boolean): void {
  if (asJson) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  for (const line of renderLines(result, "")) process.stdout.write(`${line}\n`);
}

function renderLines(value: { [key: string]: JsonValue }, indent: string): string[] {
  const lines: string[] = [];
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    if (Array.isArray(item)) {
      lines.push(`${indent}${key}: ${item.length === 0 ? "none" : ""}`.trimEnd());
      for (const element of item) {
        if (typeof element === "object" && element !== null && !Array.isArray(element)) {
          lines.push(`${indent}  - ${renderLines(element, "").join(", ")}`);
        } else lines.push(`${indent}  - ${String(element)}`);
      }
    } else if (typeof item === "object" && item !== null) {
      lines.push(`${indent}${key}:`, ...renderLines(item, `${indent}  `));
    } else lines.push(`${indent}${key}: ${format(item)}`);
  }
  return lines;
}

function format(value: string | number | boolean | null): string {
  if (typeof value !== "number" || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(8)));
}

const REWRITE = process.stderr.isTTY ? "\r\u001b[2K" : "";

/** A progress line: rewritten in a terminal, at most one line in five seconds elsewhere. */
export function createProgress(nowMs: () => number) {
  let lastMs = Number.NEGATIVE_INFINITY;
  return {
    show(text: string): void {
      const now = nowMs();
      if (now - lastMs < (REWRITE === "" ? 5_000 : 100)) return;
      lastMs = now;
      process.stderr.write(REWRITE === "" ? `${text}\n` : `${REWRITE}${text}`);
    },
    end(): void {
      if (REWRITE !== "" && lastMs > 0) process.stderr.write(REWRITE);
    },
  };
}

/** "training 120,000 / 500,000 steps, 31,200 steps/s, 12 s left". */
export function progressText(progress: {
  stage: string;
  done: number;
  total: number;
  unit: string;
  ratePerSecond: number;
  etaSeconds: number;
}): string {
  const whole = (value: number) => Math.round(value).toLocaleString("en-US");
  const { stage, done, total, unit, ratePerSecond, etaSeconds } = progress;
  return `${stage} ${whole(done)} / ${whole(total)} ${unit}, ${whole(ratePerSecond)} ${unit}/s, ${whole(etaSeconds)} s left`;
}
