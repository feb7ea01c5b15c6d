"use client";
/** The one place that speaks to lightweight-charts. */
import {
  AreaSeries,
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  type ISeriesMarkersPluginApi,
  type LineData,
  LineSeries,
  LineStyle,
  LineType,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
  type WhitespaceData,
} from "lightweight-charts";
import { type RefObject, useCallback, useEffect, useRef } from "react";
import type { Candle } from "@/lib/market/types";
import type { Zone } from "../format";
import { isContinuation, type PricePoint } from "./chartData";
import type { ChartMarker, PriceChartProps } from "./PriceChart";
import type { Palette } from "./useChartPalette";

interface Handles {
  chart: IChartApi;
  price: ISeriesApi<"Candlestick">;
  stop: ISeriesApi<"Line">;
  equity: ISeriesApi<"Area"> | null;
  markers: ISeriesMarkersPluginApi<Time>;
  levels: IPriceLine[];
  shown: { candles: readonly Candle[]; stop: readonly PricePoint[]; equity: readonly PricePoint[] };
}

interface Wiring extends PriceChartProps {
  box: RefObject<HTMLDivElement | null>;
  palette: Palette | null;
  zone: Zone;
  onPoint: (bar: Candle | null) => void;
}

const EQUITY_PANE_PX = 92;

/** The library knows only UTC; local time is shown by shifting. */
function chartTime(timeMs: number, zone: Zone): UTCTimestamp {
  const shiftMs = zone === "utc" ? 0 : -new Date(timeMs).getTimezoneOffset() * 60_000;
  return ((timeMs + shiftMs) / 1000) as UTCTimestamp;
}

const NO_POINTS: readonly PricePoint[] = [];

/** Streams the tail of a line that only grew; loads it anew otherwise. */
function syncLine<Kind extends "Line" | "Area">(
  series: ISeriesApi<Kind>,
  shown: readonly PricePoint[],
  next: readonly PricePoint[],
  toData: (point: PricePoint) => LineData | WhitespaceData,
): void {
  if (!isContinuation(shown, next)) {
    series.setData(next.map(toData));
    return;
  }
  for (let i = shown.length - 1; i < next.length; i++) series.update(toData(next[i]!));
}

function toMarker(marker: ChartMarker, zone: Zone, palette: Palette): SeriesMarker<Time> {
  const time = chartTime(marker.timeMs, zone);
  const base = { time, id: marker.id };
  switch (marker.kind) {
    case "buy":
      return { ...base, position: "belowBar", shape: "arrowUp", color: palette.up, size: 1 };
    case "sell":
      return { ...base, position: "aboveBar", shape: "arrowDown", color: palette.down, size: 1 };
    case "stop":
      return { ...base, position: "aboveBar", shape: "square", color: palette.warn, text: "stop", size: 0.8 };
    case "liquidation":
      return { ...base, position: "aboveBar", shape: "square", color: palette.bad, text: "LIQ" };
    case "wantsLong":
      return { ...base, position: "belowBar", shape: "circle", color: palette.up, size: 0.5 };
    case "wantsShort":
      return { ...base, position: "aboveBar", shape: "circle", color: palette.down, size: 0.5 };
    case "wantsFlat":
      return { ...base, position: "aboveBar", shape: "circle", color: palette.soft, size: 0.5 };
  }
}

function open(container: HTMLElement, palette: Palette, hasEquity: boolean): Handles {
  const chart = createChart(container, {
    autoSize: true,
    layout: {
      background: { color: palette.panel },
      textColor: palette.faint,
      fontSize: 11,
      attributionLogo: false,
      panes: { separatorColor: palette.line, enableResize: false },
    },
    grid: {
      vertLines: { color: palette.line, style: LineStyle.Dotted },
      horzLines: { color: palette.line, style: LineStyle.Dotted },
    },
    rightPriceScale: { borderColor: palette.line },
    timeScale: { borderColor: palette.line, timeVisible: true, secondsVisible: false, rightOffset: 4 },
    crosshair: {
      vertLine: { color: palette.strong, labelBackgroundColor: palette.strong },
      horzLine: { color: palette.strong, labelBackgroundColor: palette.strong },
    },
  });
  const price = chart.addSeries(CandlestickSeries, {
    // Rising bodies are hollow: shape says what colour says.
    upColor: palette.panel,
    borderUpColor: palette.up,
    wickUpColor: palette.up,
    downColor: palette.down,
    borderDownColor: palette.down,
    wickDownColor: palette.down,
  });
  const stop = chart.addSeries(LineSeries, {
    color: palette.warn,
    lineWidth: 1,
    lineStyle: LineStyle.Dashed,
    lineType: LineType.WithSteps,
    priceLineVisible: false,
    lastValueVisible: false,
    crosshairMarkerVisible: false,
  });
  const equity = hasEquity
    ? chart.addSeries(
        AreaSeries,
        {
          lineColor: palette.gold,
          topColor: `${palette.gold}40`,
          bottomColor: `${palette.gold}05`,
          lineWidth: 2,
          priceLineVisible: false,
          title: "equity",
        },
        1,
      )
    : null;
  if (hasEquity) chart.panes()[1]?.setHeight(EQUITY_PANE_PX);
  return {
    chart,
    price,
    stop,
    equity,
    markers: createSeriesMarkers(price, []),
    levels: [],
    shown: { candles: [], stop: [], equity: [] },
  };
}

/** Creates the chart for a container and keeps it in step with the props. */
export function usePriceChart(wiring: Wiring): { step: (index: number) => void } {
  const { box, palette, zone, candles, markers, stop, levels, equity, onPoint, onMarker } = wiring;
  const handles = useRef<Handles | null>(null);
  const latest = useRef({ candles, onPoint, onMarker, zone });
  latest.current = { candles, onPoint, onMarker, zone };
  const hasEquity = equity !== undefined;

  // The zone is baked into the times that the library holds, so another zone is another chart.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  useEffect(() => {
    if (box.current === null || palette === null) return;
    const opened = open(box.current, palette, hasEquity);
    handles.current = opened;
    opened.chart.subscribeCrosshairMove(({ time, point }) => {
      const { candles: bars, zone: shownZone, onPoint: report } = latest.current;
      if (time === undefined || point === undefined) return report(null);
      report(bars.find((bar) => chartTime(bar.openTimeMs, shownZone) === time) ?? null);
    });
    opened.chart.subscribeClick(({ hoveredObjectId }) => {
      if (typeof hoveredObjectId === "string") latest.current.onMarker?.(hoveredObjectId);
    });
    return () => {
      handles.current = null;
      opened.chart.remove();
    };
  }, [box, palette, hasEquity, zone]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new chart (palette, hasEquity) is filled anew
  useEffect(() => {
    const current = handles.current;
    if (current === null) return;
    const bar = (candle: Candle) => ({ ...candle, time: chartTime(candle.openTimeMs, zone) });
    const { shown } = current;
    if (isContinuation(shown.candles, candles)) {
      for (let i = shown.candles.length - 1; i < candles.length; i++) current.price.update(bar(candles[i]!));
    } else {
      current.price.setData(candles.map(bar));
      current.chart.timeScale().fitContent();
    }
    shown.candles = candles;
  }, [candles, zone, palette, hasEquity]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  useEffect(() => {
    if (palette !== null) {
      handles.current?.markers.setMarkers((markers ?? []).map((marker) => toMarker(marker, zone, palette)));
    }
  }, [markers, zone, palette, hasEquity]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  useEffect(() => {
    const current = handles.current;
    if (current === null) return;
    const next = stop ?? NO_POINTS;
    syncLine(current.stop, current.shown.stop, next, ({ timeMs, value }) =>
      value > 0 ? { time: chartTime(timeMs, zone), value } : { time: chartTime(timeMs, zone) },
    );
    current.shown.stop = next;
  }, [stop, zone, palette, hasEquity]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  useEffect(() => {
    const current = handles.current;
    if (current === null || current.equity === null) return;
    const next = equity ?? NO_POINTS;
    syncLine(current.equity, current.shown.equity, next, ({ timeMs, value }) => ({
      time: chartTime(timeMs, zone),
      value,
    }));
    current.shown.equity = next;
  }, [equity, zone, palette, hasEquity]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: as above
  useEffect(() => {
    const current = handles.current;
    if (current === null || palette === null) return;
    for (const line of current.levels) current.price.removePriceLine(line);
    current.levels = (levels ?? [])
      .filter((level) => level.price > 0)
      .map((level) =>
        current.price.createPriceLine({
          price: level.price,
          title: level.title,
          color: palette[level.tone],
          lineStyle: LineStyle.Dashed,
          lineWidth: 1,
          axisLabelVisible: true,
        }),
      );
  }, [levels, palette, hasEquity]);

  const step = useCallback((index: number) => {
    const candle = latest.current.candles[index];
    const current = handles.current;
    if (candle === undefined || current === null) return;
    current.chart.setCrosshairPosition(
      candle.close,
      chartTime(candle.openTimeMs, latest.current.zone),
      current.price,
    );
    latest.current.onPoint(candle);
  }, []);
  return { step };
}
