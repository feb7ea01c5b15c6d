"use client";
import { type KeyboardEvent, useRef, useState } from "react";
import type { Candle } from "@/lib/market/types";
import { formatNumber, formatSignedPercent, formatTime } from "../format";
import { usePreferences } from "../providers/PreferencesProvider";
import { Skeleton } from "../ui/States";
import type { PricePoint } from "./chartData";
import { useChartPalette } from "./useChartPalette";
import { usePriceChart } from "./usePriceChart";

export interface ChartMarker {
  id: string;
  timeMs: number;
  kind: "buy" | "sell" | "stop" | "liquidation" | "wantsLong" | "wantsShort" | "wantsFlat";
}

export interface PriceLevel {
  title: string;
  price: number;
  tone: "gold" | "up" | "down" | "bad" | "soft";
}

export interface PriceChartProps {
  /** One sentence of what the chart shows, for those who do not see it. */
  label: string;
  candles: readonly Candle[];
  markers?: readonly ChartMarker[];
  /** Protective stop per bar; a value of 0 means there was none. */
  stop?: readonly PricePoint[];
  levels?: readonly PriceLevel[];
  /** Drawn in a pane below, on the same time axis. */
  equity?: readonly PricePoint[];
  heightPx?: number;
  onMarker?: (id: string) => void;
}

/** Candles with markers, stop line and levels; a legend that follows the crosshair, or the arrow keys. */
export function PriceChart(props: PriceChartProps) {
  const { label, candles, heightPx = 380 } = props;
  const box = useRef<HTMLDivElement>(null);
  const palette = useChartPalette();
  const { zone } = usePreferences();
  const [pointed, setPointed] = useState<Candle | null>(null);
  const { step } = usePriceChart({ ...props, box, palette, zone, onPoint: setPointed });

  const onKey = (event: KeyboardEvent) => {
    const last = candles.length - 1;
    if (last < 0) return;
    const at = pointed === null ? last : candles.findIndex((bar) => bar.openTimeMs === pointed.openTimeMs);
    const target =
      event.key === "ArrowLeft"
        ? at - 1
        : event.key === "ArrowRight"
          ? at + 1
          : event.key === "Home"
            ? 0
            : event.key === "End"
              ? last
              : null;
    if (target === null) return;
    event.preventDefault();
    step(Math.max(0, Math.min(last, target)));
  };

  const shown = pointed ?? candles.at(-1) ?? null;
  return (
    <figure className="relative min-w-0" style={{ height: heightPx }}>
      {palette === null ? <Skeleton className="absolute inset-0 h-full" /> : null}
      <div
        ref={box}
        className="absolute inset-0"
        role="img"
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys walk the bars
        tabIndex={0}
        onKeyDown={onKey}
      />
      <figcaption
        className="pointer-events-none absolute top-1.5 left-3 z-10 flex flex-wrap gap-x-3 rounded bg-panel/80 px-1 font-mono text-[11px] text-soft"
        aria-live="polite"
      >
        {shown === null ? null : <Legend bar={shown} zone={zone} />}
      </figcaption>
    </figure>
  );
}

function Legend({ bar, zone }: { bar: Candle; zone: "utc" | "local" }) {
  const change = bar.close / bar.open - 1;
  return (
    <>
      <span className="text-faint">{formatTime(bar.openTimeMs, zone)}</span>
      <span>O {formatNumber(bar.open)}</span>
      <span>H {formatNumber(bar.high)}</span>
      <span>L {formatNumber(bar.low)}</span>
      <span>C {formatNumber(bar.close)}</span>
      <span className={change < 0 ? "text-down" : "text-up"}>{formatSignedPercent(change)}</span>
    </>
  );
}
