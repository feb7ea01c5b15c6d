/** What a version saw and did on its training bars: made at the end of its training, or by the first run that needs it. */
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { featureReference, watchedColumns } from "../../lib/drift/reference";
import { fundingOf } from "../datasets/feeds";
import { type MarketData, usableRange } from "../env/marketData";
import { calibrate, calibrationErrorOf, runPolicy } from "../evaluate/policyRun";
import { type LoadedVersion, loadVersion } from "./artifact";
import type { JobContext } from "./context";
import { loadSnapshot } from "./snapshot";

export type DriftReference = NonNullable<(typeof api.drift.worker.reference)["_returnType"]>;

/** Training rows that stand for all of them: the newest, because those are what comes next. */
const ROWS_MAX = 20_000;

/** The reference of a loaded version over the newest rows of its training data. */
export function buildReference(
  versionId: Id<"agentVersions">,
  version: LoadedVersion,
  dataset: MarketData,
  fundingRateAt?: (timeMs: number) => number,
): Omit<DriftReference, "atMs"> {
  const usable = usableRange(dataset);
  const fromRow = Math.max(usable.fromRow, usable.toRow - ROWS_MAX);
  const { toRow } = usable;
  const { names, values, width } = dataset.features;
  const column = (index: number) =>
    Float64Array.from({ length: toRow - fromRow }, (_, i) => values[(fromRow + i) * width + index]!);
  const { result, pairs } = runPolicy(version, {
    ...{ dataset, fundingRateAt, rows: { fromRow, toRow } },
    spec: version.envSpec,
  });
  const { actions, account } = result;
  const share = (action: number) => actions.filter((taken) => taken === action).length / actions.length;
  const scale = calibrate(pairs);
  const error = calibrationErrorOf(scale, pairs);
  return {
    versionId,
    features: watchedColumns(version.spec).map((name) => ({
      name,
      ...featureReference(column(names.indexOf(name))),
    })),
    actionMix: { short: share(0), flat: share(1), long: share(2) },
    calibration: scale === null || error === null ? null : { ...scale, error },
    slippageBps:
      account.tradedNotionalUsd === 0 ? null : (1e4 * account.slippageUsd) / account.tradedNotionalUsd,
    rows: toRow - fromRow,
  };
}

/** The stored reference of a version; without one it is made from the training dataset and stored. */
export async function ensureReference(
  { desk, lease }: JobContext,
  versionId: Id<"agentVersions">,
): Promise<DriftReference> {
  const stored = await desk.query(api.drift.worker.reference, { versionId });
  if (stored !== null) return stored;
  const { datasetId } = await desk.query(api.agents.worker.get, { versionId });
  const version = await loadVersion(desk, versionId);
  const dataset = await loadSnapshot(desk, datasetId);
  const reference = buildReference(versionId, version, dataset, fundingOf(dataset));
  await desk.mutation(api.drift.worker.saveReference, { ...lease, reference });
  return (await desk.query(api.drift.worker.reference, { versionId }))!;
}
