/** What an operator likes, kept in one cookie so that the server renders it at once. */
export const PREFERENCES_COOKIE = "assay_preferences";

export interface Preferences {
  theme: "dark" | "light";
  /** blueOrange reads for every kind of colour vision. */
  candles: "blueOrange" | "greenRed";
  zone: "utc" | "local";
  /** Single-letter shortcuts; some assistive tools need them off (WCAG 2.1.4). */
  keys: "on" | "off";
}

export const DEFAULT_PREFERENCES: Preferences = {
  theme: "dark",
  candles: "blueOrange",
  zone: "utc",
  keys: "on",
};

const CHOICES: { [K in keyof Preferences]: readonly Preferences[K][] } = {
  theme: ["dark", "light"],
  candles: ["blueOrange", "greenRed"],
  zone: ["utc", "local"],
  keys: ["on", "off"],
};

/** Reads the cookie's text; anything unknown falls back to its default. */
export function parsePreferences(text: string | undefined): Preferences {
  const given = new Map((text ?? "").split("~").map((pair) => pair.split("-") as [string, string]));
  const pick = <K extends keyof Preferences>(key: K): Preferences[K] =>
    CHOICES[key].find((choice) => choice === given.get(key)) ?? DEFAULT_PREFERENCES[key];
  return { theme: pick("theme"), candles: pick("candles"), zone: pick("zone"), keys: pick("keys") };
}

/** Inverse of `parsePreferences`, without characters that a cookie must escape. */
export function printPreferences(preferences: Preferences): string {
  return Object.entries(preferences)
    .map(([key, value]) => `${key}-${value}`)
    .join("~");
}
