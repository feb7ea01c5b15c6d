import type { PortfolioObservation } from "../features/types";
import type { AccountState } from "./types";

/**
 * A flat account. `timeMs` is the open time of the last bar the owner has already seen (or of the first bar
 * to come); settlements at or before it are never charged.
 * Throws when the balance is not a finite positive amount.
 */
export function initialAccount(balanceUsd: number, timeMs: number): AccountState {
  if (!Number.isFinite(balanceUsd) || balanceUsd <= 0) {
    throw new RangeError(`balanceUsd must be finite and > 0, got ${balanceUsd}; give the starting deposit.`);
  }
  if (!Number.isSafeInteger(timeMs)) {
    throw new RangeError(`timeMs must be a whole number of UTC milliseconds, got ${timeMs}.`);
  }
  return {
    balanceUsd,
    positionQty: 0,
    entryPrice: 0,
    stopPrice: 0,
    markPrice: 0,
    equityUsd: balanceUsd,
    peakEquityUsd: balanceUsd,
    barsHeld: 0,
    lastBarOpenTimeMs: timeMs,
    realisedPnlUsd: 0,
    feesUsd: 0,
    slippageUsd: 0,
    fundingUsd: 0,
    tradedNotionalUsd: 0,
    liquidations: 0,
  };
}

/** Bars after which `barsHeldFraction` saturates. */
const BARS_HELD_SCALE = 100;

function clip(value: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, value));
}

/**
 * The account as the policy sees it at a bar's close: five dimensionless numbers, each within [-1, 1].
 * `unrealisedFraction` is clipped because it diverges as equity approaches zero.
 */
export function portfolioObservation(account: AccountState): PortfolioObservation {
  const { positionQty, markPrice, equityUsd, peakEquityUsd } = account;
  const drawdownFraction = peakEquityUsd > 0 ? clip(1 - equityUsd / peakEquityUsd, 1) : 0;
  if (positionQty === 0) {
    return {
      position: 0,
      unrealisedFraction: 0,
      barsHeldFraction: 0,
      drawdownFraction,
      stopDistanceFraction: 0,
    };
  }
  const unrealisedUsd = positionQty * (markPrice - account.entryPrice);
  const hasStop = account.stopPrice > 0 && markPrice > 0;
  return {
    position: positionQty > 0 ? 1 : -1,
    unrealisedFraction: equityUsd > 0 ? clip(unrealisedUsd / equityUsd, 1) : -1,
    barsHeldFraction: clip(account.barsHeld / BARS_HELD_SCALE, 1),
    drawdownFraction,
    stopDistanceFraction: hasStop ? clip(Math.abs(markPrice - account.stopPrice) / markPrice, 1) : 0,
  };
}
