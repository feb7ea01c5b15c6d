"use client";
import { useQuery } from "convex/react";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { baseOf, formatNumber, formatPrice, formatSize, formatUsd } from "../format";
import { estimateClose } from "./closeCost";

/** "closes 0.4200 XAUT at about 3,312.10; estimated cost 0.83 USD (5.96 bps)". */
export function CloseConsequence({ runId, instrument }: { runId: Id<"runs">; instrument: string }) {
  const account = useQuery(api.execution.console.account, { runId });
  if (account === undefined) return <span>reading the position…</span>;
  if (account === null) return <span>has no account yet; nothing to close</span>;
  const estimate = estimateClose(account.account, account.costs);
  if (estimate === null) return <span>is flat; nothing to close</span>;
  const { tickSize, lotStep } = account.rules;
  return (
    <span>
      {estimate.qty > 0 ? "buys back " : "sells "}
      <strong className="text-ink">{formatSize(estimate.qty, baseOf(instrument), lotStep)}</strong> at about{" "}
      <strong className="text-ink">{formatPrice(estimate.price, tickSize)}</strong> (
      {formatUsd(estimate.notionalUsd)} notional); estimated cost {formatUsd(estimate.costUsd)} (
      {formatNumber(estimate.costBps)} bps)
    </span>
  );
}
