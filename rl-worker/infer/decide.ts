/** One closed bar to one submission: observation, policy answer, provenance. Never acts on a number it cannot trust. */
import type { api } from "../../convex/_generated/api";
import type { Doc, Id } from "../../convex/_generated/dataModel";
import { portfolioObservation } from "../../lib/broker/account";
import type { AccountState } from "../../lib/broker/types";
import { float64ToBytes } from "../../lib/core/bytes";
import { sha256Hex } from "../../lib/core/sha256";
import { judgeRow, type OutOfDistribution } from "../../lib/features/guard";
import { observationSize, writeObservation } from "../../lib/features/observation";
import type { PortfolioObservation } from "../../lib/features/types";
import { timeframeMs } from "../../lib/market/timeframe";
import type { LoadedVersion } from "../jobs/artifact";
import type { Clock } from "../runtime/clock";
import { messageOf } from "../runtime/log";
import { WORKER_VERSION } from "../runtime/version";
import type { ReadyBar } from "./barPipeline";

export type Submission = (typeof api.decisions.worker.submit)["_args"]["submission"];

/** What stays the same for every decision of a run. */
export interface RunIdentity {
  run: Doc<"runs">;
  version: LoadedVersion;
  featuresFromMs: number;
  dataset?: { datasetId: Id<"datasets">; datasetHash: string };
}

export interface PolicyAnswer {
  action: number | null;
  probabilities: number[];
  logits: number[];
  value: number;
  observation: Float32Array;
  forcedHold?: string;
  /** How far the row lies from the training data; absent without features or without a reference. */
  outOfDistribution?: OutOfDistribution;
}

/**
 * The policy's answer to one feature row and account, or a forced hold that says why. Pure but
 * for the kernel: replaying a decision calls the same function.
 */
export function answer(
  version: LoadedVersion,
  features: Float64Array | null,
  portfolio: PortfolioObservation,
): PolicyAnswer {
  const observation = new Float32Array(observationSize(version.spec));
  const hold = (forcedHold: string): PolicyAnswer => ({
    action: null,
    probabilities: [],
    logits: [],
    value: 0,
    observation,
    forcedHold,
  });
  if (features === null) return hold("features are still warming up");
  const { normaliser } = version.manifest;
  const { forcedHold, outOfDistribution } = judgeRow(version.manifest, features);
  if (forcedHold !== null) return { ...hold(forcedHold), ...(outOfDistribution && { outOfDistribution }) };
  try {
    writeObservation(observation, 0, features, 0, normaliser, portfolio);
    const output = version.policy.decide(observation);
    return {
      action: output.action,
      probabilities: [...output.probabilities],
      logits: [...output.logits],
      value: output.value,
      observation,
      ...(outOfDistribution && { outOfDistribution }),
    };
  } catch (error) {
    observation.fill(0);
    return hold(messageOf(error));
  }
}

/** SHA-256 of a feature row's float64 bytes; an absent row hashes as no bytes. */
export function featuresHash(features: Float64Array | null): string {
  return sha256Hex(features === null ? new Uint8Array(0) : float64ToBytes(features));
}

/** Decides one bar and describes the decision so that it can be made again. */
export function decideBar(
  { run, version, featuresFromMs, dataset }: RunIdentity,
  { bar, features, atr, barsHash }: ReadyBar,
  account: AccountState,
  clock: Clock,
  arrivedAtMs: number,
): Submission {
  const portfolio = portfolioObservation(account);
  const readyAtMs = clock.monotonicMs();
  const { observation, outOfDistribution, ...policy } = answer(version, features, portfolio);
  const inferredAtMs = clock.monotonicMs();
  const { manifest } = version;
  return {
    ...policy,
    barOpenTimeMs: bar.openTimeMs,
    barCloseTimeMs: bar.openTimeMs + timeframeMs(run.timeframe),
    observation: observation.slice().buffer,
    atr: Number.isFinite(atr) ? atr : 0,
    referencePrice: bar.close,
    provenance: {
      versionId: run.versionId,
      artifactSha256: version.artifactSha256,
      policyKernelVersion: manifest.kernelVersion,
      trainingDatasetHash: manifest.datasetHash,
      featureSetId: manifest.featureSetId,
      featureFingerprint: manifest.featureFingerprint,
      environmentHash: manifest.environmentHash,
      feed: {
        kind: run.feed,
        source: run.source,
        sourceTimeframe: run.sourceTimeframe,
        timeframe: run.timeframe,
        ...dataset,
        featuresFromMs,
        barsHash,
      },
      featuresSha256: featuresHash(features),
      ...(outOfDistribution && { outOfDistribution }),
      portfolio,
      workerVersion: WORKER_VERSION,
    },
    latency: {
      featuresMs: Math.max(0, readyAtMs - arrivedAtMs),
      inferenceMs: Math.max(0, inferredAtMs - readyAtMs),
      totalMs: Math.max(0, clock.monotonicMs() - arrivedAtMs),
    },
  };
}
