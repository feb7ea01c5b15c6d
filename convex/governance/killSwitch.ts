/** What engaging the kill switch does to the runs: the one place where governance reaches into them. */
import type { KillMode } from "../../lib/risk/types";
import type { MutationCtx } from "../_generated/server";
import { cancelOpenOrder, flattenAtMark } from "../execution/model";
import { activeRuns, noteFlatten } from "../runs/model";
import { writeKillSwitch } from "./ledger";

/** Engages at once, in one transaction with what it does: no worker needs to be alive (invariant 8). */
export async function engageKillSwitch(
  ctx: MutationCtx,
  mode: Exclude<KillMode, "armed">,
  reason: string,
  actor: string,
): Promise<{ epoch: number; ordersCancelledIn: number; fills: number }> {
  const epoch = await writeKillSwitch(ctx, mode, reason, actor);
  let fills = 0;
  let ordersCancelledIn = 0;
  for (const run of await activeRuns(ctx)) {
    // An opening order that waits for the next bar is risk that this switch is there to stop.
    const keep = mode === "noNewRisk" ? "reducing" : "none";
    if (await cancelOpenOrder(ctx, run._id, "killSwitch", keep)) ordersCancelledIn += 1;
    if (mode !== "flatten") continue;
    const flat = await flattenAtMark(ctx, run._id, "killSwitch");
    if (flat === null) continue;
    fills += flat.fills;
    await noteFlatten(ctx, run, flat);
  }
  return { epoch, ordersCancelledIn, fills };
}
