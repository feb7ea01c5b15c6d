import type { SessionCalendar } from "../../../lib/market/types";

/** One simulated perpetual: its BingX contract row and how its price sits on the shared gold index. */
export interface SimulatedContract {
  symbol: string;
  displayName: string;
  asset: string;
  contractId: string;
  pricePrecision: number;
  quantityPrecision: number;
  tradeMinQuantity: number;
  tradeMinUsdt: number;
  takerFeeRate: number;
  makerFeeRate: number;
  maxLeverage: number;
  calendar: SessionCalendar;
  /** Long-run premium over the index, in bps, and the size of its slow wandering. */
  basisMeanBps: number;
  basisSdBps: number;
  /** Own noise of each trade, in bps. */
  tradeNoiseBps: number;
  /** Mean traded quantity per minute at profile 1, in ounces. */
  minuteVolume: number;
}

export const CONTRACTS: readonly SimulatedContract[] = [
  {
    symbol: "XAUT-USDT",
    displayName: "XAUT-USDT",
    asset: "XAUT",
    contractId: "9001",
    pricePrecision: 2,
    quantityPrecision: 4,
    tradeMinQuantity: 0.0001,
    tradeMinUsdt: 2,
    takerFeeRate: 0.0005,
    makerFeeRate: 0.0002,
    maxLeverage: 50,
    calendar: "always",
    basisMeanBps: -4,
    basisSdBps: 6,
    tradeNoiseBps: 0.35,
    minuteVolume: 9,
  },
  {
    symbol: "PAXG-USDT",
    displayName: "PAXG-USDT",
    asset: "PAXG",
    contractId: "9002",
    pricePrecision: 2,
    quantityPrecision: 4,
    tradeMinQuantity: 0.0001,
    tradeMinUsdt: 2,
    takerFeeRate: 0.0005,
    makerFeeRate: 0.0002,
    maxLeverage: 50,
    calendar: "always",
    basisMeanBps: 6,
    basisSdBps: 8,
    tradeNoiseBps: 0.5,
    minuteVolume: 6,
  },
  {
    symbol: "NCCOGOLD2USD-USDT",
    displayName: "GOLD(XAU)",
    asset: "NCCOGOLD2USD",
    contractId: "9003",
    pricePrecision: 2,
    quantityPrecision: 4,
    tradeMinQuantity: 0.0001,
    tradeMinUsdt: 2,
    takerFeeRate: 0.0005,
    makerFeeRate: 0.0002,
    maxLeverage: 100,
    calendar: "metals",
    basisMeanBps: 0,
    basisSdBps: 1.5,
    tradeNoiseBps: 0.2,
    minuteVolume: 40,
  },
];

export function findContract(symbol: string): SimulatedContract | undefined {
  return CONTRACTS.find((contract) => contract.symbol === symbol);
}
