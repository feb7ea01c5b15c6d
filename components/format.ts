/**
 * How numbers, times and ids read in the console. Every figure carries its unit, a change carries its sign,
 * and what cannot be known reads as an em dash, never as zero.
 */
export const UNKNOWN = "—";
const MINUS = "−";

type Maybe = number | null | undefined;

function isKnown(value: Maybe): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function grouped(value: number, decimals: number): string {
  return Math.abs(value).toLocaleString("en-US", {
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

/** Zero after rounding has no sign. */
function signOf(value: number, decimals: number, withPlus: boolean): string {
  if (Number(Math.abs(value).toFixed(decimals)) === 0) return "";
  if (value < 0) return MINUS;
  return withPlus ? "+" : "";
}

/** Plain number, e.g. 10,214.50. */
export function formatNumber(value: Maybe, decimals = 2): string {
  return isKnown(value) ? `${signOf(value, decimals, false)}${grouped(value, decimals)}` : UNKNOWN;
}

/** Whole count, e.g. 1,329,322. */
export function formatCount(value: Maybe): string {
  return formatNumber(value, 0);
}

/** A count with its noun: 1 fill, 26 fills. */
export function formatItems(value: Maybe, noun: string): string {
  return isKnown(value) ? `${formatCount(value)} ${noun}${value === 1 ? "" : "s"}` : UNKNOWN;
}

/** Large counts in short: 1.33 M, 48.2 k. */
export function formatCompact(value: Maybe): string {
  if (!isKnown(value)) return UNKNOWN;
  const size = Math.abs(value);
  if (size >= 999_500) return `${formatNumber(value / 1e6, size >= 1e8 ? 0 : 2)} M`;
  if (size >= 1_000) return `${formatNumber(value / 1e3, 1)} k`;
  return formatNumber(value, size < 10 && !Number.isInteger(value) ? 2 : 0);
}

/** Money, e.g. 10,214.50 USD. */
export function formatUsd(value: Maybe, decimals = 2): string {
  return isKnown(value) ? `${formatNumber(value, decimals)} USD` : UNKNOWN;
}

/** Money that is a change, e.g. +214.50 USD. */
export function formatSignedUsd(value: Maybe, decimals = 2): string {
  return isKnown(value) ? `${signOf(value, decimals, true)}${grouped(value, decimals)} USD` : UNKNOWN;
}

/** A fraction of one as a percentage, e.g. 0.0123 → 1.23 %. */
export function formatPercent(fraction: Maybe, decimals = 2): string {
  return isKnown(fraction) ? `${formatNumber(fraction * 100, decimals)} %` : UNKNOWN;
}

/** A fraction that is a change, e.g. +1.23 %. */
export function formatSignedPercent(fraction: Maybe, decimals = 2): string {
  return isKnown(fraction)
    ? `${signOf(fraction * 100, decimals, true)}${grouped(fraction * 100, decimals)} %`
    : UNKNOWN;
}

/** Price at the instrument's tick, e.g. 3,312.10. Zero means there is none. */
export function formatPrice(value: Maybe, tickSize = 0.01): string {
  if (!isKnown(value) || value === 0) return UNKNOWN;
  return formatNumber(value, decimalsOfStep(tickSize));
}

/** Signed quantity with the base asset, e.g. +0.4200 XAUT. */
export function formatQty(value: Maybe, base: string, lotStep = 0.0001): string {
  if (!isKnown(value)) return UNKNOWN;
  const decimals = decimalsOfStep(lotStep);
  return `${signOf(value, decimals, true)}${grouped(value, decimals)} ${base}`;
}

/** Quantity without a side, e.g. 0.4200 XAUT. */
export function formatSize(value: Maybe, base: string, lotStep = 0.0001): string {
  return isKnown(value) ? `${grouped(value, decimalsOfStep(lotStep))} ${base}` : UNKNOWN;
}

/** A figure that may be a count or a ratio: whole numbers bare, others with three decimals. */
export function formatFigure(value: Maybe): string {
  return isKnown(value) ? formatNumber(value, Number.isInteger(value) ? 0 : 3) : UNKNOWN;
}

/** Decimals that a step of 0.01, 0.0001 or 1 needs. */
export function decimalsOfStep(step: number): number {
  if (!(step > 0) || step >= 1) return 0;
  return Math.min(10, Math.max(0, Math.round(-Math.log10(step))));
}

/** The asset that a symbol counts in: XAUT-USDT → XAUT. */
export function baseOf(instrument: string): string {
  const base = instrument.split("-")[0] ?? instrument;
  return base.startsWith("NCCO") ? "XAU" : base;
}

/** Long or short in words. */
export function sideWord(qty: number): "long" | "short" | "flat" {
  if (qty > 0) return "long";
  return qty < 0 ? "short" : "flat";
}

const ACTION_WORDS = ["Short", "Flat", "Long"] as const;

/** Name of action index 0, 1, 2; null means the policy gave none. */
export function actionWord(action: number | null): string {
  return action === null ? "None" : (ACTION_WORDS[action] ?? `Action ${action}`);
}

/** Elapsed time, two units at most: 45 s, 3 min 20 s, 2 h 5 min, 4 d 3 h. */
export function formatDuration(milliseconds: Maybe): string {
  if (!isKnown(milliseconds)) return UNKNOWN;
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return join(minutes, "min", seconds % 60, "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return join(hours, "h", minutes % 60, "min");
  return join(Math.floor(hours / 24), "d", hours % 24, "h");
}

function join(big: number, bigUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
}

/** Age in one unit: 12 s ago, 3 min ago, 2 h ago, 4 d ago. */
export function formatAge(milliseconds: Maybe): string {
  if (!isKnown(milliseconds)) return UNKNOWN;
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 100) return `${seconds} s ago`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 100) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 49 ? `${hours} h ago` : `${Math.floor(hours / 24)} d ago`;
}

/** Latency: 0.4 ms, 12 ms, 1.2 s. */
export function formatLatency(milliseconds: Maybe): string {
  if (!isKnown(milliseconds)) return UNKNOWN;
  if (milliseconds >= 1000) return `${formatNumber(milliseconds / 1000, 1)} s`;
  return `${formatNumber(milliseconds, milliseconds < 10 ? 1 : 0)} ms`;
}

/** File size in binary units: 512 B, 3.2 MiB. */
export function formatBytes(bytes: Maybe): string {
  if (!isKnown(bytes)) return UNKNOWN;
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let size = bytes / 1024;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${formatNumber(size, size >= 100 ? 0 : 1)} ${units[unit]}`;
}

export type Zone = "utc" | "local";

function parts(timeMs: number, zone: Zone, withSeconds: boolean): string {
  const date = new Date(timeMs);
  const two = (n: number) => String(n).padStart(2, "0");
  const [year, month, day, hour, minute, second] =
    zone === "utc"
      ? [
          date.getUTCFullYear(),
          date.getUTCMonth(),
          date.getUTCDate(),
          date.getUTCHours(),
          date.getUTCMinutes(),
          date.getUTCSeconds(),
        ]
      : [
          date.getFullYear(),
          date.getMonth(),
          date.getDate(),
          date.getHours(),
          date.getMinutes(),
          date.getSeconds(),
        ];
  const clock = `${two(hour)}:${two(minute)}${withSeconds ? `:${two(second)}` : ""}`;
  return `${year}-${two(month + 1)}-${two(day)} ${clock}`;
}

/** Date and minute, e.g. 2025-07-01 13:45 (the zone is shown once, beside the clock). */
export function formatTime(timeMs: Maybe, zone: Zone = "utc"): string {
  return isKnown(timeMs) ? parts(timeMs, zone, false) : UNKNOWN;
}

/** Date, second and zone, e.g. 2025-07-01 13:45:00 UTC. */
export function formatTimeExact(timeMs: Maybe, zone: Zone = "utc"): string {
  return isKnown(timeMs) ? `${parts(timeMs, zone, true)} ${zone === "utc" ? "UTC" : "local"}` : UNKNOWN;
}

/** Calendar day, e.g. 2025-07-01. */
export function formatDay(timeMs: Maybe, zone: Zone = "utc"): string {
  return isKnown(timeMs) ? parts(timeMs, zone, false).slice(0, 10) : UNKNOWN;
}

/** Midnight UTC of a yyyy-mm-dd text, or null when it is not a day of the calendar. */
export function parseDay(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return null;
  const timeMs = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(timeMs) || formatDay(timeMs) !== text ? null : timeMs;
}

/** The ends of a hash or an id: 1a2b3c4d…9f0e. */
export function shortHash(hash: string, head = 8, tail = 4): string {
  return hash.length <= head + tail + 1 ? hash : `${hash.slice(0, head)}…${hash.slice(-tail)}`;
}

/** camelCase names as words: positionNotional → position notional. */
export function words(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replace(/([a-z])([0-9])/g, "$1 $2")
    .replace(/_/g, " ")
    .toLowerCase();
}

/** The person behind a token identifier "issuer|subject". */
export function actorName(tokenIdentifier: string): string {
  return tokenIdentifier.includes("|")
    ? (tokenIdentifier.split("|").at(-1) ?? tokenIdentifier)
    : tokenIdentifier;
}
