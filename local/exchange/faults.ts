import type { Kline } from "./api/klines";

/** What can go wrong on request. The last six spoil rows of klines or feeds and leave the envelope healthy. */
export const FAULT_KINDS = [
  "html200",
  "empty",
  "truncated",
  "dataNull",
  "http429",
  "http503",
  "code100410",
  "timeout",
  "reset",
  "staleBars",
  "malformedBars",
  "missingBars",
  "shuffledBars",
  "malformedRates",
  "frozenQuotes",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  kind: FaultKind;
  /** Only requests whose path contains this; every API request when absent. */
  path?: string;
  /** How many matching requests are still to be spoiled. */
  count: number;
}

/** How far behind a frozen feed stays. */
const STALE_BY_BARS = 10;
const FROZEN_BY_MS = 600_000;

/** Faults waiting to strike, oldest first. One request takes at most one. */
export class FaultPlan {
  private waiting: Fault[] = [];

  add(fault: Fault): void {
    this.waiting.push({ ...fault });
  }

  clear(): void {
    this.waiting = [];
  }

  list(): readonly Fault[] {
    return this.waiting;
  }

  /** Takes the first fault that matches this request path, or null. */
  take(path: string): FaultKind | null {
    const at = this.waiting.findIndex((fault) => {
      if (fault.path !== undefined && !path.includes(fault.path)) return false;
      return spoilable(fault.kind).some((suffix) => path.endsWith(suffix));
    });
    const fault = this.waiting[at];
    if (!fault) return null;
    fault.count -= 1;
    if (fault.count <= 0) this.waiting.splice(at, 1);
    return fault.kind;
  }
}

/** Ends of the paths that a fault can strike; every path has the empty end. */
function spoilable(kind: FaultKind): string[] {
  if (kind.endsWith("Bars")) return ["/quote/klines"];
  if (kind === "malformedRates") return ["/quote/fundingRate"];
  return kind === "frozenQuotes" ? ["/quote/premiumIndex", "/quote/openInterest"] : [""];
}

/** Spoils the data of a healthy answer in the way the fault names; other faults leave it alone. */
export function spoilData(kind: FaultKind, data: unknown): unknown {
  if (kind === "dataNull") return null;
  if (kind === "frozenQuotes" && typeof data === "object" && data !== null) return frozen(data);
  if (!Array.isArray(data)) return data;
  return kind === "malformedRates" ? data.map(malformRate) : spoilKlines(kind, data as Kline[]);
}

/** The quote as it stands, said to be ten minutes old. */
function frozen(quote: object): object {
  const late = ([name, value]: [string, unknown]) =>
    name === "time" || name === "updateTime" ? [name, Number(value) - FROZEN_BY_MS] : [name, value];
  return Object.fromEntries(Object.entries(quote).map((entry) => late(entry) as [string, unknown]));
}

/** Every fifth row is broken, each time in another way. */
function malformRate(row: { fundingRate: string; fundingTime: number }, index: number): object {
  if (index % 5 !== 2) return row;
  const broken = [
    { fundingRate: "NaN" },
    { fundingRate: "1.5" },
    { fundingTime: null },
    { symbol: "BTC-USDT" },
  ];
  return { ...row, ...broken[((index - 2) / 5) % 4] };
}

/** Reads the body of `POST /simulation/faults`; a sentence says what is wrong with it. */
export function parseFault(body: unknown): Fault | string {
  if (typeof body !== "object" || body === null) return "send a JSON object {kind, path?, count}";
  const { kind, path, count = 1 } = body as Record<string, unknown>;
  if (!FAULT_KINDS.includes(kind as FaultKind)) return `kind must be one of ${FAULT_KINDS.join(", ")}`;
  if (path !== undefined && typeof path !== "string") return "path must be a string, part of a request path";
  if (typeof count !== "number" || !Number.isInteger(count) || count < 1 || count > 10_000) {
    return "count must be an integer from 1 to 10000";
  }
  return { kind: kind as FaultKind, path, count };
}

/** Spoils one page of klines (newest first) in the way the fault names. */
function spoilKlines(kind: FaultKind, page: Kline[]): Kline[] {
  switch (kind) {
    case "staleBars":
      return page.slice(STALE_BY_BARS);
    case "missingBars":
      return page.filter((_, index) => index < page.length / 3 || index >= page.length / 2);
    case "shuffledBars": {
      const odd = page.filter((_, index) => index % 2 === 1);
      const even = page.filter((_, index) => index % 2 === 0);
      return [...odd, ...even, ...page.slice(0, 2)];
    }
    case "malformedBars":
      return page.map(malform);
    default:
      return page;
  }
}

/** Every fifth row is broken, each time in another way (M-05). */
function malform(row: Kline, index: number): Kline {
  if (index % 5 !== 2) return row;
  switch (((index - 2) / 5) % 6) {
    case 0:
      return { ...row, high: row.low, low: row.high, open: row.high };
    case 1:
      return { ...row, close: "0" };
    case 2:
      return { ...row, open: "-1.00" };
    case 3:
      return { ...row, volume: null };
    case 4:
      return { ...row, close: "NaN" };
    default:
      return { ...row, time: row.time + 1 };
  }
}
