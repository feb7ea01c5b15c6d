/** The exchange's penalty box, as every action that calls it must honour it. */
import { internal } from "../_generated/api";
import type { ActionCtx } from "../_generated/server";
import type { BingxClient, BingxReadError } from "./bingxClient";

/** Why the exchange must not be called now; null when it may be. Calls inside its penalty would lengthen it. */
export async function heldBecause(ctx: ActionCtx, client: BingxClient): Promise<string | null> {
  const hold = await ctx.runQuery(internal.market.internal.gatewayHold, { source: client.source });
  if (hold === null) return null;
  return `held until ${new Date(hold.untilMs).toISOString()}, as the exchange asked: ${hold.reason}`;
}

/** Keeps every later tick from calling until the time that the exchange named, if it named one. */
export async function honourUnblockTime(
  ctx: ActionCtx,
  client: BingxClient,
  { failure }: BingxReadError,
): Promise<void> {
  if (failure.unblockAtMs === null) return;
  await ctx.runMutation(internal.market.internal.holdGateway, {
    source: client.source,
    untilMs: client.deskTimeMs(failure.unblockAtMs),
    reason: failure.message,
  });
}
