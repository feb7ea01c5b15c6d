"use client";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import {
  baseOf,
  formatCount,
  formatNumber,
  formatPrice,
  formatQty,
  formatSignedPercent,
  formatSignedUsd,
  formatUsd,
} from "../format";
import { usePacedQuery } from "../hooks/usePacedQuery";
import { Change, Facts } from "../ui/Figures";
import { EmptyState, SkeletonRows } from "../ui/States";
import { SideChip } from "./chips";

interface PositionCardProps {
  runId: Id<"runs">;
  instrument: string;
}

/** The position, where it hurts (stop, liquidation) and what it has cost so far. */
export function PositionCard({ runId, instrument }: PositionCardProps) {
  const view = usePacedQuery(api.execution.console.account, { runId });
  if (view === undefined) return <SkeletonRows rows={6} />;
  if (view === null)
    return <EmptyState title="No account yet">The worker opens it when it takes the run.</EmptyState>;
  const { account, rules, liquidationPrice } = view;
  const base = baseOf(instrument);
  const { tickSize, lotStep } = rules;
  const isFlat = account.positionQty === 0;
  const unrealisedUsd = account.positionQty * (account.markPrice - account.entryPrice);
  const dayPnlUsd = account.equityUsd - view.dayStartEquityUsd;
  const distance = (price: number) =>
    isFlat || price === 0 ? null : (
      <span className="text-faint"> ({formatSignedPercent(price / account.markPrice - 1)})</span>
    );
  return (
    <div data-testid="position-card">
      <div className="mb-3 flex flex-wrap items-center gap-2.5">
        <SideChip qty={account.positionQty} />
        <span className="text-[18px] font-semibold" data-testid="position-qty">
          {isFlat ? `0 ${base}` : formatQty(account.positionQty, base, lotStep)}
        </span>
      </div>
      <Facts
        rows={[
          ["Entry", isFlat ? "—" : formatPrice(account.entryPrice, tickSize)],
          ["Mark", formatPrice(account.markPrice, tickSize)],
          [
            "Unrealised",
            isFlat ? (
              "—"
            ) : (
              <Change key="unrealised" value={unrealisedUsd}>
                {formatSignedUsd(unrealisedUsd)}
              </Change>
            ),
          ],
          [
            "Stop",
            isFlat ? (
              "—"
            ) : (
              <span key="stop">
                {formatPrice(account.stopPrice, tickSize)}
                {distance(account.stopPrice)}
              </span>
            ),
          ],
          [
            "Liquidation",
            isFlat ? (
              "—"
            ) : (
              <span key="liq">
                {formatPrice(liquidationPrice, tickSize)}
                {distance(liquidationPrice)}
              </span>
            ),
          ],
          [
            "Leverage",
            `${formatNumber((Math.abs(account.positionQty) * account.markPrice) / account.equityUsd)} ×`,
          ],
          ["Bars held", formatCount(account.barsHeld)],
          [
            "Today",
            <Change key="day" value={dayPnlUsd}>
              {formatSignedUsd(dayPnlUsd)}
            </Change>,
          ],
          [
            "Realised",
            <Change key="pnl" value={account.realisedPnlUsd}>
              {formatSignedUsd(account.realisedPnlUsd)}
            </Change>,
          ],
          ["Fees", formatUsd(account.feesUsd)],
          ["Slippage", formatUsd(account.slippageUsd)],
          ["Funding paid", formatSignedUsd(account.fundingUsd)],
        ]}
      />
    </div>
  );
}
