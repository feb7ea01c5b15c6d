"use client";
import { type PointerEvent, useEffect, useMemo, useRef, useState } from "react";
import { cn } from "../cn";
import { axisTicks, downsampleMinMax, type PricePoint } from "./chartData";

export interface LineSpec {
  name: string;
  /** CSS colour, mostly a theme variable. */
  color: string;
  points: readonly PricePoint[];
  dashed?: boolean;
  /** Fills down to the baseline. */
  area?: boolean;
  /** Thin and pale; lines with the same name share one entry of the legend, which shows no value. */
  isFaint?: boolean;
  key?: string;
}

interface LineFigureProps {
  label: string;
  lines: readonly LineSpec[];
  formatY: (value: number) => string;
  formatX: (value: number) => string;
  /** A reference such as the starting balance. */
  baseline?: { value: number; label: string };
  /** Vertical borders, such as those between folds. */
  marks?: readonly { atX: number; label: string }[];
  heightPx?: number;
  className?: string;
}

const PAD = { top: 10, right: 8, bottom: 20, left: 58 };
const POINTS_MAX = 1200;

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (box.current === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width ?? 0));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  return { box, width };
}

function legendOf(lines: readonly LineSpec[]): LineSpec[] {
  return [...new Map(lines.map((line) => [line.name, line])).values()];
}

/** Lines over time or steps in SVG, with axes, a hover readout and a name for each line. */
export function LineFigure({
  label,
  lines,
  formatY,
  formatX,
  baseline,
  marks = [],
  heightPx = 180,
  className,
}: LineFigureProps) {
  const { box, width } = useWidth();
  const [hoverX, setHoverX] = useState<number | null>(null);
  const drawn = useMemo(
    () => lines.map((line) => ({ ...line, points: downsampleMinMax(line.points, POINTS_MAX) })),
    [lines],
  );
  const scale = useMemo(() => {
    let [minX, maxX, minY, maxY] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const { points } of drawn) {
      for (const { timeMs, value } of points) {
        if (timeMs < minX) minX = timeMs;
        if (timeMs > maxX) maxX = timeMs;
        if (value < minY) minY = value;
        if (value > maxY) maxY = value;
      }
    }
    if (baseline !== undefined && minY !== Infinity) {
      minY = Math.min(minY, baseline.value);
      maxY = Math.max(maxY, baseline.value);
    }
    if (minX === Infinity) return null;
    const room = (maxY - minY) * 0.06 || Math.abs(maxY) * 0.01 || 1;
    return { minX, maxX: maxX === minX ? minX + 1 : maxX, minY: minY - room, maxY: maxY + room };
  }, [drawn, baseline]);

  const plotWidth = Math.max(10, width - PAD.left - PAD.right);
  const plotHeight = heightPx - PAD.top - PAD.bottom;
  const x = (value: number) => PAD.left + ((value - scale!.minX) / (scale!.maxX - scale!.minX)) * plotWidth;
  const y = (value: number) =>
    PAD.top + (1 - (value - scale!.minY) / (scale!.maxY - scale!.minY)) * plotHeight;
  const path = (points: readonly PricePoint[]) =>
    points
      .map((point, i) => `${i === 0 ? "M" : "L"}${x(point.timeMs).toFixed(1)} ${y(point.value).toFixed(1)}`)
      .join("");

  const onMove = (event: PointerEvent<SVGSVGElement>) => {
    const left = event.currentTarget.getBoundingClientRect().left;
    const fraction = (event.clientX - left - PAD.left) / plotWidth;
    if (scale !== null && fraction >= 0 && fraction <= 1)
      setHoverX(scale.minX + fraction * (scale.maxX - scale.minX));
  };
  const nearest = (points: readonly PricePoint[]) =>
    hoverX === null
      ? points.at(-1)
      : points.reduce<PricePoint | undefined>(
          (best, point) =>
            best === undefined || Math.abs(point.timeMs - hoverX) < Math.abs(best.timeMs - hoverX)
              ? point
              : best,
          undefined,
        );

  return (
    <figure className={cn("min-w-0", className)}>
      <figcaption className="flex min-h-5 flex-wrap items-center gap-x-3 px-1 text-[11px] text-soft">
        {legendOf(lines).map((line) => {
          const point = line.isFaint ? undefined : nearest(line.points);
          return (
            <span key={line.name} className="inline-flex items-center gap-1.5">
              <svg width="14" height="4" aria-hidden>
                <path
                  d="M0 2H14"
                  stroke={line.color}
                  strokeWidth="2.5"
                  opacity={line.isFaint ? 0.45 : 1}
                  strokeDasharray={line.dashed ? "3 2" : undefined}
                />
              </svg>
              {line.name}{" "}
              {line.isFaint ? null : (
                <span className="text-ink">{point === undefined ? "—" : formatY(point.value)}</span>
              )}
            </span>
          );
        })}
        {hoverX !== null && scale !== null ? (
          <span className="ml-auto text-faint">{formatX(hoverX)}</span>
        ) : null}
      </figcaption>
      <div ref={box} style={{ height: heightPx }}>
        {width > 0 && scale !== null ? (
          <svg
            width={width}
            height={heightPx}
            role="img"
            aria-label={label}
            onPointerMove={onMove}
            onPointerLeave={() => setHoverX(null)}
          >
            {axisTicks(scale.minY, scale.maxY, 3).map((tick) => (
              <g key={tick}>
                <line x1={PAD.left} x2={width - PAD.right} y1={y(tick)} y2={y(tick)} stroke="var(--line)" />
                <text x={PAD.left - 6} y={y(tick) + 3.5} textAnchor="end" fontSize="10.5" fill="var(--faint)">
                  {formatY(tick)}
                </text>
              </g>
            ))}
            {baseline === undefined ? null : (
              <line
                x1={PAD.left}
                x2={width - PAD.right}
                y1={y(baseline.value)}
                y2={y(baseline.value)}
                stroke="var(--strong)"
                strokeDasharray="4 3"
              >
                <title>{baseline.label}</title>
              </line>
            )}
            {marks
              .filter(({ atX }) => atX >= scale.minX && atX <= scale.maxX)
              .map(({ atX, label: name }) => (
                <g key={atX}>
                  <line
                    x1={x(atX)}
                    x2={x(atX)}
                    y1={PAD.top}
                    y2={PAD.top + plotHeight}
                    stroke="var(--strong)"
                    strokeDasharray="2 3"
                  />
                  <text x={x(atX) + 4} y={PAD.top + 9} fontSize="10" fill="var(--faint)">
                    {name}
                  </text>
                </g>
              ))}
            <text x={PAD.left} y={heightPx - 5} fontSize="10.5" fill="var(--faint)">
              {formatX(scale.minX)}
            </text>
            <text x={width - PAD.right} y={heightPx - 5} fontSize="10.5" fill="var(--faint)" textAnchor="end">
              {formatX(scale.maxX)}
            </text>
            {drawn.map((line) => (
              <g key={line.key ?? line.name} opacity={line.isFaint ? 0.45 : 1}>
                {line.area && line.points.length > 1 ? (
                  <path
                    d={`${path(line.points)}L${x(line.points.at(-1)!.timeMs)} ${PAD.top + plotHeight}L${x(line.points[0]!.timeMs)} ${PAD.top + plotHeight}Z`}
                    fill={line.color}
                    opacity={0.12}
                  />
                ) : null}
                <path
                  d={path(line.points)}
                  fill="none"
                  stroke={line.color}
                  strokeWidth={line.isFaint ? 1 : 1.6}
                  strokeLinejoin="round"
                  strokeDasharray={line.dashed ? "4 3" : undefined}
                />
              </g>
            ))}
            {hoverX === null ? null : (
              <line
                x1={x(hoverX)}
                x2={x(hoverX)}
                y1={PAD.top}
                y2={PAD.top + plotHeight}
                stroke="var(--strong)"
              />
            )}
          </svg>
        ) : null}
      </div>
    </figure>
  );
}
