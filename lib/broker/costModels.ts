import type { CostModel } from "./types";

/**
 * The cost tables that ship with the desk. They are assumptions, used until a measured table is put in force
 * (`assay costs fit`, `assay costs use`). A table never changes once released, because its content is part of
 * every environment hash: runs and artifacts that name it must keep replaying.
 */
export interface DatedCostModel {
  model: CostModel;
  /** `assumed` numbers are nobody's measurement. */
  standing: "assumed" | "experiment";
  /** First day (UTC) the table describes. */
  effectiveFrom: string;
  /** Where each number comes from. */
  basis: string;
}

const EIGHT_HOURS_MS = 8 * 3_600_000;

/** What training uses where no measured table is in force. */
export const DEFAULT_COST_MODEL_ID = "bingx-gold-perp@2025-08-01";

export const COST_MODELS: Readonly<Record<string, DatedCostModel>> = {
  [DEFAULT_COST_MODEL_ID]: {
    standing: "assumed",
    effectiveFrom: "2025-08-01",
    basis:
      "Fees: BingX standard tier, taker 5 bps, maker 2 bps. Half spread: the median hourly spread of XAUUSD " +
      "2022-01 to 2025-07 is 0.23 USD, on a price near 2,500 USD 0.92 bps, so 0.46 bps a side. Slippage 0.5 bps, " +
      "funding 0.0001 every 8 h, maintenance margin 0.5 % and liquidation fee 5 bps are assumptions to be " +
      "replaced by measurements of the venue. Partial fills are off: file volume counts ticks, not ounces.",
    model: {
      id: DEFAULT_COST_MODEL_ID,
      takerFeeBps: 5,
      makerFeeBps: 2,
      halfSpreadBps: 0.46,
      slippageBps: 0.5,
      fundingIntervalMs: EIGHT_HOURS_MS,
      fundingRatePerInterval: 0.0001,
      maintenanceMarginRate: 0.005,
      liquidationFeeBps: 5,
      maxVolumeParticipation: 1,
    },
  },
  "frictionless@1": {
    standing: "experiment",
    effectiveFrom: "1970-01-01",
    basis:
      "No cost at all: isolates a policy's edge from its costs in experiments. Never a basis for promotion.",
    model: {
      id: "frictionless@1",
      takerFeeBps: 0,
      makerFeeBps: 0,
      halfSpreadBps: 0,
      slippageBps: 0,
      fundingIntervalMs: EIGHT_HOURS_MS,
      fundingRatePerInterval: 0,
      maintenanceMarginRate: 0.005,
      liquidationFeeBps: 0,
      maxVolumeParticipation: 1,
    },
  },
};

/**
 * Parts of a table that neither the venue's fee page nor a spread file gives, to complete a fitted one: slippage's
 * 90 % quantile is twice its median, and decisions reach the venue well within the limit of S2-11.
 */
export const ASSUMED_EXTRAS = {
  slippageP90Factor: 2,
  latency: { p50Ms: 150, p90Ms: 400, degradeAboveMs: 500 },
} as const;

/** The table with this id. Throws for an unknown id and names the known ones. */
export function costModelById(id: string): CostModel {
  const entry = COST_MODELS[id];
  if (entry === undefined) {
    throw new RangeError(`Unknown cost model "${id}"; known: ${Object.keys(COST_MODELS).join(", ")}.`);
  }
  return entry.model;
}

/** The default cost table. */
export const DEFAULT_COST_MODEL: CostModel = costModelById(DEFAULT_COST_MODEL_ID);
