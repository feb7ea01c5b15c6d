import { DEFAULT_COST_MODEL_ID } from "../broker/costModels";
import type { InstrumentRules } from "../broker/types";
import { err, ok, type Result } from "../core/result";
import type { SessionCalendar } from "./types";

export interface InstrumentInfo {
  symbol: string;
  /** Unified symbol of the exchange client. */
  ccxtSymbol: string;
  displayName: string;
  rules: InstrumentRules;
  /** When the venue trades it. A file of another source may keep other hours: see `detectCalendar`. */
  calendar: SessionCalendar;
  costModelId: string;
  /** What it follows the price of: what was learned on one is known of all that share it. */
  underlying: string;
}

/**
 * The gold perpetuals that the desk knows. Steps, minima and leverage are working assumptions for paper
 * trading: the venue's contract list is the authority, and live trading takes its rules from there.
 */
export const INSTRUMENTS: readonly InstrumentInfo[] = [
  {
    symbol: "XAUT-USDT",
    ccxtSymbol: "XAUT/USDT:USDT",
    displayName: "Tether Gold perpetual",
    rules: rules("XAUT-USDT", 50),
    calendar: "always",
    costModelId: DEFAULT_COST_MODEL_ID,
    underlying: "gold",
  },
  {
    symbol: "PAXG-USDT",
    ccxtSymbol: "PAXG/USDT:USDT",
    displayName: "PAX Gold perpetual",
    rules: rules("PAXG-USDT", 50),
    calendar: "always",
    costModelId: DEFAULT_COST_MODEL_ID,
    underlying: "gold",
  },
  {
    symbol: "NCCOGOLD2USD-USDT",
    ccxtSymbol: "NCCOGOLD2USD/USDT:USDT",
    displayName: "Gold (XAU) commodity perpetual",
    rules: rules("NCCOGOLD2USD-USDT", 100),
    calendar: "metals",
    costModelId: DEFAULT_COST_MODEL_ID,
    underlying: "gold",
  },
];

function rules(symbol: string, maxLeverage: number): InstrumentRules {
  return { symbol, tickSize: 0.01, lotStep: 0.0001, minQty: 0.0001, minNotionalUsd: 2, maxLeverage };
}

/** The instrument with this symbol, or a sentence that names the known ones. */
export function findInstrument(symbol: string): Result<InstrumentInfo> {
  const found = INSTRUMENTS.find((instrument) => instrument.symbol === symbol);
  if (found !== undefined) return ok(found);
  const known = INSTRUMENTS.map((instrument) => instrument.symbol).join(", ");
  return err(`unknown instrument "${symbol}"; known are ${known}`);
}

/** Symbols that follow the same price as this one, itself among them; an unknown one stands alone. */
export function sameUnderlying(symbol: string): string[] {
  const own = INSTRUMENTS.find((instrument) => instrument.symbol === symbol);
  if (own === undefined) return [symbol];
  return INSTRUMENTS.filter(({ underlying }) => underlying === own.underlying).map((one) => one.symbol);
}
