import { CONTRACTS } from "./market/contracts";
import { MODEL_ID } from "./market/goldIndex";

export interface SimulationFacts {
  simulated: true;
  notice: string;
  model: string;
  seed: number;
  historyStartMs: number;
  historyStart: string;
  startedAtMs: number;
  serverTimeMs: number;
  serverTime: string;
  instruments: string[];
  pendingFaults: readonly unknown[];
}

/** What this exchange is, for `/simulation` and the index page. */
export function simulationFacts(input: {
  seed: number;
  historyStartMs: number;
  startedAtMs: number;
  nowMs: number;
  pendingFaults: readonly unknown[];
}): SimulationFacts {
  const { seed, historyStartMs, startedAtMs, nowMs, pendingFaults } = input;
  return {
    simulated: true,
    notice: "This is a simulated market. No price here was ever traded and no real money can be won or lost.",
    model: MODEL_ID,
    seed,
    historyStartMs,
    historyStart: new Date(historyStartMs).toISOString(),
    startedAtMs,
    serverTimeMs: nowMs,
    serverTime: new Date(nowMs).toISOString(),
    instruments: CONTRACTS.map((contract) => contract.symbol),
    pendingFaults,
  };
}

/** The index page. All values are our own numbers and fixed names, so nothing needs escaping. */
export function indexPage(
  facts: SimulationFacts,
  prices: ReadonlyArray<{ symbol: string; price: string }>,
): string {
  const rows = prices.map((row) => `<tr><td>${row.symbol}</td><td>${row.price}</td></tr>`).join("");
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Assay simulated exchange</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:40rem;padding:0 1rem;color:#222}
.notice{background:#fff3cd;border:1px solid #e0b100;border-radius:6px;padding:.75rem 1rem;font-weight:600}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem 1.5rem .25rem 0;text-align:left;font-variant-numeric:tabular-nums}</style>
</head><body><h1>Simulated exchange</h1><p class="notice">${facts.notice}</p>
<p>Model ${facts.model}, seed ${facts.seed}, history from ${facts.historyStart}. Exchange time ${facts.serverTime}.</p>
<table><thead><tr><th>Instrument</th><th>Simulated price, USDT</th></tr></thead><tbody>${rows}</tbody></table>
<p>It answers the public REST paths of BingX perpetuals under <code>/openApi</code>. Facts as JSON: <a href="/simulation">/simulation</a>.</p>
</body></html>`;
}
