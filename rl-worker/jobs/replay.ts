/** Makes a past decision again from its provenance and says whether every bit came out the same. */
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { bytesToFloat32 } from "../../lib/core/bytes";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { adjudicate, decisionOrderId } from "../../lib/decision/adjudicate";
import { lowerBound } from "../../lib/market/columns";
import { timeframeMs } from "../../lib/market/timeframe";
import type { Timeframe } from "../../lib/market/types";
import { storedFeedPoints } from "../datasets/feeds";
import { DatasetFileError } from "../datasets/parquet";
import { BarPipeline } from "../infer/barPipeline";
import { answer, featuresHash } from "../infer/decide";
import { storedBars } from "../infer/feed";
import { HashMismatchError } from "../transport/desk";
import { ArtifactRefusedError, type LoadedVersion, loadVersion } from "./artifact";
import type { JobContext } from "./context";
import type { JobOutcome } from "./handlers";
import { loadSnapshot } from "./snapshot";

type Decision = (typeof api.decisions.worker.get)["_returnType"];

interface Difference {
  field: string;
  expected: string;
  actual: string;
}

/** The inputs cannot be had as they were; nothing is compared. */
class ReplayRefused extends Error {}

interface Inputs {
  features: Float64Array | null;
  atr: number;
  close: number;
}

export async function replayJob(
  context: JobContext,
  { decisionId }: { decisionId: Id<"decisions"> | Id<"shadowDecisions"> },
): Promise<JobOutcome> {
  const { desk, lease } = context;
  const decision = await desk.query(api.decisions.worker.get, { decisionId });
  let result: { identical: boolean; differences: Difference[]; refused?: string; checks: string[] };
  try {
    result = await recompute(context, decision);
  } catch (error) {
    const isRefusal =
      error instanceof ReplayRefused ||
      error instanceof ArtifactRefusedError ||
      error instanceof HashMismatchError ||
      error instanceof DatasetFileError;
    if (!isRefusal) throw error;
    result = { identical: false, differences: [], refused: error.message, checks: [] };
  }
  const replayId = await desk.mutation(api.decisions.worker.saveReplay, { ...lease, decisionId, ...result });
  return { status: "succeeded", resultId: replayId };
}

async function recompute(context: JobContext, decision: Decision) {
  const { desk } = context;
  const { provenance } = decision;
  const checks: string[] = [];
  const version = await loadVersion(desk, provenance.versionId);
  if (version.artifactSha256 !== provenance.artifactSha256) {
    throw new ReplayRefused(
      `The artifact does not match its hash: the decision used ${provenance.artifactSha256.slice(0, 12)}…, the version now has ${version.artifactSha256.slice(0, 12)}…`,
    );
  }
  checks.push("artifact checksum, files and golden outputs");
  const inputs =
    provenance.feed.kind === "replay"
      ? await inputsFromDataset(context, decision)
      : await inputsFromMarket(context, decision, version);
  checks.push(provenance.feed.kind === "replay" ? "dataset hash and row" : "hash chain of the bars");
  const differences = compare(decision, version, inputs);
  checks.push("features", "observation bytes", "logits, probabilities and value", "action");
  differences.push(...(await compareVerdict(context, decision, version)));
  checks.push("order, hold reason and risk verdicts");
  return { identical: differences.length === 0, differences, checks };
}

async function inputsFromDataset({ desk }: JobContext, decision: Decision): Promise<Inputs> {
  const { datasetId, datasetHash } = decision.provenance.feed;
  if (datasetId === undefined) throw new ReplayRefused("The decision names no dataset");
  const dataset = await loadSnapshot(desk, datasetId);
  if (dataset.datasetHash !== datasetHash) {
    throw new ReplayRefused(
      `The dataset does not match its hash: the decision used ${datasetHash?.slice(0, 12)}…`,
    );
  }
  const { candles, features, atr } = dataset;
  const row = lowerBound(candles.openTimeMs, decision.barOpenTimeMs);
  if (candles.openTimeMs[row] !== decision.barOpenTimeMs) {
    // A bar before the dataset's first warm row was a forced hold without features.
    return { features: null, atr: decision.atr, close: decision.referencePrice };
  }
  return {
    features: features.values.slice(row * features.width, (row + 1) * features.width),
    atr: atr[row]!,
    close: candles.close[row]!,
  };
}

async function inputsFromMarket(
  { desk }: JobContext,
  decision: Decision,
  version: LoadedVersion,
): Promise<Inputs> {
  const { feed } = decision.provenance;
  const timeframe = feed.timeframe as Timeframe;
  const sourceTimeframe = feed.sourceTimeframe as Timeframe;
  const key = { instrument: decision.instrument, timeframe: sourceTimeframe, source: feed.source };
  const points = storedFeedPoints(desk, key, version.spec, feed.featuresFromMs);
  const pipeline = new BarPipeline(version.spec, timeframe, sourceTimeframe, points);
  const untilMs = decision.barCloseTimeMs + timeframeMs(timeframe);
  for await (const bar of storedBars(desk, key, feed.featuresFromMs, untilMs)) {
    for (const ready of await pipeline.push(bar)) {
      if (ready.bar.openTimeMs < decision.barOpenTimeMs) continue;
      if (ready.bar.openTimeMs > decision.barOpenTimeMs) break;
      if (ready.barsHash !== feed.barsHash) {
        throw new ReplayRefused(
          "The stored bars and feeds do not match the hash of those the decision saw: some were revised or added since",
        );
      }
      return { features: ready.features, atr: ready.atr, close: ready.bar.close };
    }
  }
  throw new ReplayRefused("The bar of this decision is not stored any more");
}

/** The shortest text that names this double, with the sign of zero kept. */
const bits = (value: number) => (Object.is(value, -0) ? "-0" : String(value));

function compare(decision: Decision, version: LoadedVersion, inputs: Inputs): Difference[] {
  const differences: Difference[] = [];
  const check = (field: string, expected: string, actual: string) => {
    if (expected !== actual) differences.push({ field, expected, actual });
  };
  check("features", decision.provenance.featuresSha256, featuresHash(inputs.features));
  check("referencePrice", bits(decision.referencePrice), bits(inputs.close));
  check("atr", bits(decision.atr), bits(Number.isFinite(inputs.atr) ? inputs.atr : 0));
  const again = answer(version, inputs.features, decision.provenance.portfolio);
  const distribution = (score?: object) => (score === undefined ? "none" : canonicalJson(score));
  check(
    "outOfDistribution",
    distribution(decision.provenance.outOfDistribution),
    distribution(again.outOfDistribution),
  );
  const stored = bytesToFloat32(new Uint8Array(decision.observation));
  checkArray(check, "observation", [...stored], [...again.observation]);
  checkArray(check, "logits", decision.logits, again.logits);
  checkArray(check, "probabilities", decision.probabilities, again.probabilities);
  check("value", bits(decision.value), bits(again.value));
  check("action", String(decision.action), String(again.action));
  return differences;
}

/** Names the first element that differs; `Object.is` so that -0 and 0 are not the same bits. */
function checkArray(
  check: (field: string, expected: string, actual: string) => void,
  field: string,
  expected: number[],
  actual: number[],
): void {
  check(`${field}.length`, String(expected.length), String(actual.length));
  const index = expected.findIndex((value, i) => !Object.is(value, actual[i]));
  if (index >= 0) check(`${field}[${index}]`, bits(expected[index]!), bits(actual[index] ?? Number.NaN));
}

/** Judges the recorded account and circumstances again: the same order, hold and verdicts must come out. */
async function compareVerdict(
  { desk }: JobContext,
  decision: Decision,
  version: LoadedVersion,
): Promise<Difference[]> {
  const limits = await desk.query(api.risk.worker.limits, { version: decision.riskLimitsVersion });
  const verdict = adjudicate({
    ...decision.circumstances,
    account: decision.account,
    sizing: version.envSpec.sizing,
    rules: version.envSpec.rules,
    action: decision.action,
    confidence: decision.confidence,
    forcedHold: decision.forcedHold,
    referencePrice: decision.referencePrice,
    atr: decision.atr,
    clientOrderId: decisionOrderId(decision.runId, decision.barOpenTimeMs, decision.action),
    limits,
  });
  const differences: Difference[] = [];
  const check = (field: string, expected: unknown, actual: unknown) => {
    const [was, is] = [JSON.stringify(expected) ?? "none", JSON.stringify(actual) ?? "none"];
    if (was !== is) differences.push({ field, expected: was, actual: is });
  };
  check("outcome", decision.outcome, verdict.order === null ? "hold" : "order");
  check("holdReason", decision.holdReason ?? null, verdict.holdReason);
  check("plannedQty", decision.plannedQty, verdict.planned?.qty ?? 0);
  check("plannedStopPrice", decision.plannedStopPrice, verdict.planned?.stopPrice ?? 0);
  check("failedRules", failedRules(decision.verdicts), failedRules(verdict.verdicts));
  return differences;
}

function failedRules(verdicts: { rule: string; passed: boolean }[]): string[] {
  return verdicts.filter((verdict) => !verdict.passed).map((verdict) => verdict.rule);
}
