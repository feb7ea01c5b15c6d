/** Trains one agent version: dataset in, curve while it goes, verified artifact out; resumes from its checkpoint. */
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { observationFields, observationGroups } from "../../lib/features/observation";
import { featureSetById } from "../../lib/features/registry";
import { findInstrument } from "../../lib/market/instruments";
import type { BuiltArtifact } from "../../lib/policy/artifact";
import { fundingOf } from "../datasets/feeds";
import { defaultEnvSpec } from "../env/envSpec";
import { messageOf } from "../runtime/log";
import { TrainingDivergedError } from "../train/ppoTypes";
import { type CurvePoint, trainOnDataset } from "../train/trainPolicy";
import { type Desk, uploadBytes } from "../transport/desk";
import type { JobContext } from "./context";
import { costsOf } from "./costs";
import { ensureReference } from "./driftReference";
import type { JobOutcome } from "./handlers";
import { loadSnapshot } from "./snapshot";

/** A checkpoint leaves the worker this often (iterations), so that a lost machine costs little. */
const CHECKPOINT_EVERY = 25;

export async function trainJob(
  context: JobContext,
  { versionId }: { versionId: Id<"agentVersions"> },
): Promise<JobOutcome> {
  const { desk, lease } = context;
  const target = { ...lease, versionId };
  try {
    return await train(context, versionId);
  } catch (error) {
    if (context.lost.aborted) throw error;
    await desk.mutation(api.agents.worker.abandon, { ...target, status: "failed", reason: messageOf(error) });
    if (error instanceof TrainingDivergedError) {
      return { status: "failed", error: { code: error.code, message: error.message } };
    }
    throw error;
  }
}

async function train(context: JobContext, versionId: Id<"agentVersions">): Promise<JobOutcome> {
  const { desk, lease, clock, cancel } = context;
  const target = { ...lease, versionId };
  const startedAtMs = clock.monotonicMs();
  const version = await desk.query(api.agents.worker.get, { versionId });
  await desk.mutation(api.agents.worker.markTraining, target);
  const dataset = await loadSnapshot(desk, version.datasetId);
  const instrument = findInstrument(version.instrument);
  if (!instrument.ok) throw new Error(instrument.error);
  const resumeFrom = await downloadCheckpoint(desk, lease.jobId);
  const curve = createCurveWriter(desk, target);

  const featureSet = featureSetById(version.featureSetId);
  const outcome = await trainOnDataset({
    dataset,
    fundingRateAt: fundingOf(dataset),
    identity: {
      datasetHash: dataset.datasetHash,
      instrument: version.instrument,
      timeframe: version.timeframe,
      featureSetId: version.featureSetId,
      featureFingerprint: version.featureFingerprint,
      observationFields: observationFields(featureSet),
      observationGroups: observationGroups(featureSet),
    },
    envSpec: defaultEnvSpec(instrument.value.rules, await costsOf(desk, version)),
    algorithm: version.algorithm,
    steps: version.stepsRequested,
    seed: version.seed,
    hyperparameters: version.hyperparameters,
    kernel: version.kernel,
    threads: version.threads,
    nowMs: clock.monotonicMs,
    onProgress: (point) => {
      curve.add(point);
      context.progress("training", point.environmentSteps, version.stepsRequested, "steps");
    },
    shouldStop: () => (cancel.aborted ? "checkpoint-and-stop" : "continue"),
    onCheckpoint: (bytes) => saveCheckpoint(context, bytes),
    checkpointEvery: CHECKPOINT_EVERY,
    resumeFrom: resumeFrom ?? undefined,
  });

  if (context.lost.aborted) return { status: "cancelled" };
  await curve.close();
  if (outcome.status === "stopped") {
    await saveCheckpoint(context, outcome.checkpoint);
    await desk.mutation(api.agents.worker.abandon, {
      ...target,
      status: "cancelled",
      reason: `stopped after ${outcome.environmentSteps} steps; resume to go on from the checkpoint`,
    });
    return { status: "cancelled" };
  }
  await desk.mutation(api.agents.worker.complete, {
    ...target,
    result: {
      manifest: canonicalJson(outcome.artifact.manifest),
      artifactSha256: outcome.artifact.artifactSha256,
      files: await uploadArtifact(desk, outcome.artifact),
      finalMetrics: metricsOf(outcome.finalMetrics),
      environmentSteps: outcome.environmentSteps,
      stepsPerSecond: outcome.stepsPerSecond,
      seconds: (clock.monotonicMs() - startedAtMs) / 1000,
    },
  });
  // The version is complete without it: the first run that watches for drift would make it.
  await ensureReference(context, versionId).catch((error: unknown) =>
    context.log.error("drift.reference", { versionId, message: messageOf(error) }),
  );
  return { status: "succeeded", resultId: versionId };
}

function prefixed(prefix: string, values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));
}

/** The last point without its clock-derived fields, so that equal trainings report equal metrics. */
function metricsOf(point: CurvePoint): Record<string, number> {
  const { stepsPerSecond: _rate, etaSeconds: _eta, meanEpisodeReturn, rewardTerms, ...numbers } = point;
  const rest = { ...numbers, ...prefixed("reward.", rewardTerms ?? {}) };
  return meanEpisodeReturn === null ? rest : { ...rest, meanEpisodeReturn };
}

async function uploadArtifact(desk: Desk, artifact: BuiltArtifact) {
  const files = [];
  for (const [name, bytes] of artifact.files) {
    const { sha256 } = artifact.manifest.files[name]!;
    const storageId = (await uploadBytes(desk, bytes, "application/octet-stream")) as Id<"_storage">;
    files.push({ name, storageId, sha256, bytes: bytes.length });
  }
  return files;
}

async function saveCheckpoint({ desk, lease }: JobContext, bytes: Uint8Array): Promise<void> {
  const storageId = (await uploadBytes(desk, bytes, "application/octet-stream")) as Id<"_storage">;
  await desk.mutation(api.ops.worker.checkpoint, { ...lease, storageId });
}

/** The job's checkpoint, or null; its own trailer detects a torn or foreign file. */
async function downloadCheckpoint(desk: Desk, jobId: Id<"jobs">): Promise<Uint8Array | null> {
  const url = await desk.query(api.ops.worker.checkpointUrl, { jobId });
  if (url === null) return null;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`Download of the checkpoint failed with HTTP ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Sends curve points in batches, one call in flight, in order. */
function createCurveWriter(
  desk: Desk,
  target: { jobId: Id<"jobs">; leaseToken: number; versionId: Id<"agentVersions"> },
) {
  let waiting: CurvePoint[] = [];
  let sending: Promise<unknown> = Promise.resolve();
  let isSending = false;
  let failure: unknown = null;

  async function drain(): Promise<void> {
    isSending = true;
    while (waiting.length > 0 && failure === null) {
      const batch = waiting.map(({ iteration, ...point }) => ({ sequence: iteration, ...point }));
      waiting = [];
      try {
        await desk.mutation(api.agents.worker.appendTrainingPoints, { ...target, points: batch });
      } catch (error) {
        failure = error;
      }
    }
    isSending = false;
  }

  return {
    add(point: CurvePoint): void {
      waiting.push(point);
      if (!isSending) sending = drain();
    },
    async close(): Promise<void> {
      await sending;
      await drain();
      if (failure !== null) throw failure;
    },
  };
}
