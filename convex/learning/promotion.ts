/** What becomes of a challenger: gates, differences to the champion, the shadow's verdict, promotion or a reasoned rejection. */
import { compareWithChampion } from "../../lib/learning/comparison";
import { above, usd } from "../../lib/stats/gateResult";
import { allGatesPass } from "../../lib/stats/gates";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireVersion } from "../agents/model";
import { requireEvaluation, trialStatistics } from "../evaluations/model";
import { activeGatePolicy, championOf, gatesOf, promote } from "../governance/model";
import { endShadow, openShadow, requireShadow } from "../shadows/model";
import { requireWalkForward, walkForwardGates } from "../walkForwards/model";
import { end, LEARNER, move } from "./ledger";

type Cycle = Doc<"learningCycles">;

export async function deltasOnFolds(ctx: QueryCtx, cycle: Cycle): Promise<Cycle["foldDeltas"]> {
  const row = await requireWalkForward(ctx, cycle.walkForwardId!);
  const { summary } = row;
  const median = summary?.seeds.find(({ subject }) => subject === summary.medianSubject);
  if (median === undefined || summary?.champion == null) return [];
  const { ledger } = await walkForwardGates(ctx, row, (await activeGatePolicy(ctx)).walkForward);
  return compareWithChampion(median, summary.champion, ledger);
}

async function deltasOnEvaluation(ctx: QueryCtx, cycle: Cycle): Promise<Cycle["evaluationDeltas"]> {
  if (cycle.championEvaluationId === undefined) return [];
  const { performance } = await requireEvaluation(ctx, cycle.evaluationId!);
  const champion = await requireEvaluation(ctx, cycle.championEvaluationId);
  const { observations } = performance.sharpe;
  const trials = await trialStatistics(ctx, cycle.instrument, cycle.timeframe, observations);
  return compareWithChampion(performance, champion.performance, trials);
}

/** Gates of the promotion policy, then the challenger against the champion on the newest days; then the shadow. */
export async function judge(ctx: MutationCtx, cycle: Cycle): Promise<void> {
  const { evaluationId, championEvaluationId, championVersionId } = cycle;
  const policy = await activeGatePolicy(ctx);
  const challenger = await requireVersion(ctx, cycle.challengerVersionId!);
  const { gates: standing } = await gatesOf(ctx, challenger, policy);
  const evaluationDeltas = await deltasOnEvaluation(ctx, cycle);
  const net = evaluationDeltas.find(({ measure }) => measure === "netPnlUsd");
  const label = "Net PnL over the champion's on the newest days";
  const threshold = policy.walkForward.minChampionDeltaUsd;
  const gates = [
    ...standing,
    ...(net === undefined ? [] : [above("beatsChampion", label, net.delta, threshold, usd)]),
  ];
  const fields = { evaluationId, championEvaluationId, evaluationDeltas, gates, jobId: undefined };
  const failing = gates.filter(({ passed }) => !passed);
  const said = failing.map(({ sentence }) => sentence).join(" ");
  await move(ctx, cycle, "gates", said === "" ? `All ${gates.length} gates pass.` : said, fields);
  if (!allGatesPass(gates)) {
    return end(ctx, cycle, "rejected", `${failing.length} of ${gates.length} gates fail: ${said}`);
  }
  if (championVersionId === undefined || !cycle.policy.shadow.enabled) return promoteChallenger(ctx, cycle);
  const champion = await requireVersion(ctx, championVersionId);
  if (
    champion.timeframe !== cycle.timeframe ||
    champion.featureFingerprint !== challenger.featureFingerprint
  ) {
    const sentence =
      "All gates pass, but the champion reads other features or another timeframe and cannot be shadowed; promote by hand.";
    return end(ctx, cycle, "rejected", sentence);
  }
  const shadowId = await openShadow(ctx, cycle, championVersionId);
  await move(ctx, cycle, "shadow", "Decides beside the champion on the bars to come.", { shadowId });
}

async function promoteChallenger(ctx: MutationCtx, cycle: Cycle): Promise<void> {
  const champion = await championOf(ctx, cycle.instrument);
  if (champion?.versionId !== cycle.championVersionId) {
    return end(ctx, cycle, "rejected", "The champion changed while the cycle went on; start another.");
  }
  const { outcome, gates } = await promote(ctx, cycle.challengerVersionId!, LEARNER, null);
  if (outcome === "promoted")
    return end(ctx, cycle, "promoted", "The challenger is champion now.", { gates });
  const failing = gates.filter(({ passed }) => !passed).map(({ sentence }) => sentence);
  return end(ctx, cycle, "rejected", `Gates fail by now: ${failing.join(" ")}`, { gates });
}

export async function settleShadow(ctx: MutationCtx, cycle: Cycle): Promise<void> {
  const shadow = await requireShadow(ctx, cycle.shadowId!);
  if (shadow.isActive) {
    const champion = await championOf(ctx, cycle.instrument);
    if (champion?.versionId === shadow.championVersionId) return;
    await endShadow(ctx, shadow, "ended", "The champion changed while the shadow went on.");
    return end(ctx, cycle, "rejected", "The champion changed while the shadow went on.");
  }
  if (shadow.status !== "promote") return end(ctx, cycle, "rejected", shadow.sentence);
  await move(ctx, cycle, "shadow", shadow.sentence);
  return promoteChallenger(ctx, cycle);
}
