"use client";
import { useEffect, useState } from "react";
import { usePreferences } from "../providers/PreferencesProvider";

const NAMES = [
  "canvas",
  "panel",
  "line",
  "strong",
  "ink",
  "soft",
  "faint",
  "gold",
  "up",
  "down",
  "info",
  "warn",
  "bad",
] as const;
export type Palette = Record<(typeof NAMES)[number], string>;

function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]),
  ) as Palette;
}

/** The theme's colours as plain text for a canvas, read again when a preference changes. */
export function useChartPalette(): Palette | null {
  const { theme, candles } = usePreferences();
  const [palette, setPalette] = useState<Palette | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the variables' values follow these two
  useEffect(() => setPalette(readPalette()), [theme, candles]);
  return palette;
}
