export interface PricePoint {
  timeMs: number;
  value: number;
}

type Timed = { openTimeMs: number } | { timeMs: number };

function timeOf(item: Timed): number {
  return "timeMs" in item ? item.timeMs : item.openTimeMs;
}

/**
 * Whether `next` only adds items to `shown` or changes its last one. Then a chart streams the tail instead of
 * loading everything again, and the view does not jump. Bars are immutable once closed, so the ends decide.
 */
export function isContinuation<Item extends Timed>(shown: readonly Item[], next: readonly Item[]): boolean {
  const last = shown.length - 1;
  if (last < 0 || next.length < shown.length) return false;
  return timeOf(shown[0]!) === timeOf(next[0]!) && timeOf(shown[last]!) === timeOf(next[last]!);
}

/** At most `limit` points that keep every bucket's lowest and highest value, so that no spike is lost. */
export function downsampleMinMax(points: readonly PricePoint[], limit: number): PricePoint[] {
  if (points.length <= limit || limit < 4) return [...points];
  const buckets = Math.floor(limit / 2);
  const out: PricePoint[] = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = Math.floor((bucket * points.length) / buckets);
    const to = Math.floor(((bucket + 1) * points.length) / buckets);
    let low = points[from]!;
    let high = low;
    for (let i = from + 1; i < to; i++) {
      const point = points[i]!;
      if (point.value < low.value) low = point;
      if (point.value > high.value) high = point;
    }
    if (low === high) out.push(low);
    else if (low.timeMs < high.timeMs) out.push(low, high);
    else out.push(high, low);
  }
  return out;
}

/** Drawdown below the running peak as a fraction, 0 or negative. */
export function drawdownOf(points: readonly PricePoint[]): PricePoint[] {
  let peak = Number.NEGATIVE_INFINITY;
  return points.map(({ timeMs, value }) => {
    peak = Math.max(peak, value);
    return { timeMs, value: peak > 0 ? value / peak - 1 : 0 };
  });
}

/** About `count` round values inside [low, high] for an axis. */
export function axisTicks(low: number, high: number, count: number): number[] {
  const span = high - low;
  if (!(span > 0) || count < 1) return [low];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const ticks: number[] = [];
  for (let index = Math.ceil(low / step); index * step <= high + step * 1e-9; index++)
    ticks.push(index * step);
  return ticks;
}
