/** What a person sees when the desk is up: where, how to sign in, what is simulated, where the data lives. */
import type { RunningDesk } from "./desk";
import type { UpOptions } from "./options";

export function screen(desk: RunningDesk, options: UpOptions, seconds: number): string {
  const lines = [
    "",
    `  Assay is ready (${seconds.toFixed(1)} s)`,
    "",
    ...(desk.consoleUrl === null ? [] : [`  Console     ${desk.consoleUrl}`]),
    ...(desk.signInUrl === null
      ? []
      : [
          `  Sign in     ${desk.signInUrl}`,
          "              (works once, for 15 minutes; another one: npm run -s assay -- sign-in)",
        ]),
    `  Backend     ${desk.convexUrl}  (HTTP actions ${desk.siteUrl})`,
    ...(desk.exchangeUrl === null ? [] : [`  Exchange    ${desk.exchangeUrl}`]),
    `  Worker      ${options.withWorker ? "running" : "not started (--no-worker)"}`,
    `  Data        ${options.dataDir}  (kept between starts; logs in logs/)`,
    "",
    "  SIMULATED   The exchange and its prices are simulated. Orders are paper orders: no money moves.",
    "              Candles that you import from files keep their own source name.",
    "",
    "  Ctrl-C stops everything.",
    "",
    "",
  ];
  return lines.join("\n");
}
