import { bytesToFloat64, float64ToBytes } from "../core/bytes";
import { createReader, createWriter } from "../market/varint";
import { FEED_FACTS, type FeedName, type FeedPoint, ORIGINS } from "./types";

/**
 * The stored form of feed points, one order for one set of points.
 *
 * Layout, version 1: "F", version, varint count; per point zigzag varints (event - previous event,
 * received - event, available - event) and its origin's code; then all values as float64.
 */
const MAGIC = 0x46;
const VERSION = 1;

/** Start of the chunk that holds an event of that time. */
export function feedChunkStartMs(feed: FeedName, eventAtMs: number): number {
  const span = FEED_FACTS[feed].chunkSpanMs;
  return Math.floor(eventAtMs / span) * span;
}

/** The one order of points: by availability, then event, then value. */
export function comparePoints(a: FeedPoint, b: FeedPoint): number {
  return (
    a.availableAtMs - b.availableAtMs ||
    a.eventAtMs - b.eventAtMs ||
    a.value - b.value ||
    a.receivedAtMs - b.receivedAtMs ||
    ORIGINS.indexOf(a.origin) - ORIGINS.indexOf(b.origin)
  );
}

/** Why a point cannot be stored, or null. */
export function pointProblem({ eventAtMs, receivedAtMs, availableAtMs, value }: FeedPoint): string | null {
  for (const [name, time] of Object.entries({ eventAtMs, receivedAtMs, availableAtMs })) {
    if (!Number.isSafeInteger(time) || time < 0 || time > 2 ** 51)
      return `${name} ${time} is not a time in ms`;
  }
  if (availableAtMs < eventAtMs) return `availableAtMs ${availableAtMs} is before eventAtMs ${eventAtMs}`;
  return Number.isFinite(value) ? null : `value ${value} is not a finite number`;
}

/** Encodes points in their one order, whatever order they come in. Throws RangeError naming what does not fit. */
export function encodeFeedChunk(points: readonly FeedPoint[]): Uint8Array {
  const sorted = [...points].sort(comparePoints);
  const out = createWriter();
  out.byte(MAGIC);
  out.byte(VERSION);
  out.varint(sorted.length);
  let previousMs = 0;
  for (const point of sorted) {
    const problem = pointProblem(point);
    if (problem !== null) throw new RangeError(`feed chunk: ${problem}`);
    out.zigzag(point.eventAtMs - previousMs);
    out.zigzag(point.receivedAtMs - point.eventAtMs);
    out.zigzag(point.availableAtMs - point.eventAtMs);
    out.byte(ORIGINS.indexOf(point.origin));
    previousMs = point.eventAtMs;
  }
  out.bytes(float64ToBytes(Float64Array.from(sorted, (point) => point.value)));
  return out.finish();
}

/** Inverse of `encodeFeedChunk`. Throws RangeError on a foreign header, an unknown version or damaged bytes. */
export function decodeFeedChunk(bytes: Uint8Array): FeedPoint[] {
  const input = createReader(bytes);
  if (input.byte() !== MAGIC) throw new RangeError("feed chunk: wrong first byte");
  const version = input.byte();
  if (version !== VERSION) throw new RangeError(`feed chunk: version ${version} is unknown`);
  const count = input.varint();
  // A point takes at least twelve bytes, so a damaged count cannot reserve memory.
  if (count * 12 > bytes.length) throw new RangeError(`feed chunk: damaged, ${count} points do not fit`);
  const points: FeedPoint[] = [];
  let eventAtMs = 0;
  for (let i = 0; i < count; i++) {
    eventAtMs += input.zigzag();
    const receivedAtMs = eventAtMs + input.zigzag();
    const availableAtMs = eventAtMs + input.zigzag();
    const origin = ORIGINS[input.byte()];
    if (origin === undefined) throw new RangeError("feed chunk: damaged, an origin is unknown");
    points.push({ eventAtMs, receivedAtMs, availableAtMs, value: Number.NaN, origin });
  }
  const values = bytesToFloat64(input.bytes(count * 8));
  input.end();
  for (const [i, point] of points.entries()) {
    point.value = values[i]!;
    const problem = pointProblem(point);
    if (problem !== null) throw new RangeError(`feed chunk: damaged, ${problem}`);
    if (i > 0 && comparePoints(points[i - 1]!, point) > 0) {
      throw new RangeError("feed chunk: damaged, points are out of order");
    }
  }
  return points;
}

export interface FeedMerge {
  merged: FeedPoint[];
  added: number;
  /** Points whose event and value were there. */
  unchanged: number;
  /** Of the added: another value for an event that was there. The earlier row stays as well. */
  revised: number;
}

/** Adds points that are not there yet; nothing is changed or removed. A point is its event time and its value. */
export function mergePoints(stored: readonly FeedPoint[], incoming: readonly FeedPoint[]): FeedMerge {
  const known = new Map<number, Set<number>>();
  const note = ({ eventAtMs, value }: FeedPoint) => {
    const values = known.get(eventAtMs);
    if (values === undefined) known.set(eventAtMs, new Set([value]));
    else values.add(value);
  };
  stored.forEach(note);
  const fresh: FeedPoint[] = [];
  let revised = 0;
  // The earliest of equal points is kept, in whatever order they were given.
  for (const point of [...incoming].sort(comparePoints)) {
    const values = known.get(point.eventAtMs);
    if (values?.has(point.value)) continue;
    if (values !== undefined) revised += 1;
    note(point);
    fresh.push(point);
  }
  const merged = [...stored, ...fresh].sort(comparePoints);
  return { merged, added: fresh.length, unchanged: incoming.length - fresh.length, revised };
}
