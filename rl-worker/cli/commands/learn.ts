/** `assay dataset build`, `train`, `evaluate`, `promote`: the way from bars to a champion. */
import { api } from "../../../convex/_generated/api";
import type { Id } from "../../../convex/_generated/dataModel";
import { LIMITS } from "../../../lib/contract/limits";
import type { DatasetManifestCore } from "../../../lib/dataset/types";
import { timeframeMs } from "../../../lib/market/timeframe";
import type { Timeframe } from "../../../lib/market/types";
import type { Algorithm } from "../../../lib/policy/algorithms";
import type { KernelChoice, ThreadChoice } from "../../../lib/policy/kernel/choices";
import { systemClock } from "../../runtime/clock";
import type { Desk } from "../../transport/desk";
import { waitForJob } from "../jobs";
import { CommandError, UsageError } from "../session";

const secondsSince = (startedAtMs: number) => (systemClock.monotonicMs() - startedAtMs) / 1000;

/** The finest stored series of the source that divides the timeframe. */
export async function finestSource(
  person: Desk,
  instrument: string,
  source: string,
  timeframe: Timeframe,
): Promise<Timeframe> {
  const series = await person.query(api.market.console.listSeries, {});
  const usable = series
    .filter((row) => row.instrument === instrument && row.source === source)
    .filter((row) => timeframeMs(timeframe) % timeframeMs(row.timeframe) === 0)
    .sort((a, b) => timeframeMs(a.timeframe) - timeframeMs(b.timeframe));
  const finest = usable[0];
  if (finest === undefined) {
    throw new CommandError(
      `No stored bars of ${instrument} from ${source} make ${timeframe} bars; import some with: assay import`,
    );
  }
  return finest.timeframe;
}

export async function finished(person: Desk, jobId: Id<"jobs">, what: string): Promise<string> {
  const end = await waitForJob(person, jobId);
  if (end.status === "cancelled") throw new CommandError(`The ${what} was cancelled.`);
  if (end.status === "failed")
    throw new CommandError(`The ${what} failed: ${end.error?.message ?? "no reason was given"}`);
  if (end.resultId === undefined) throw new CommandError(`The ${what} ended without a result`);
  return end.resultId;
}

export interface DatasetOptions {
  instrument: string;
  timeframe: Timeframe;
  source: string;
  fromMs: number;
  toMs: number;
  features: string;
}

export async function buildDataset(person: Desk, options: DatasetOptions) {
  const startedAtMs = systemClock.monotonicMs();
  const { instrument, timeframe, source, fromMs, toMs } = options;
  const sourceTimeframe = await finestSource(person, instrument, source, timeframe);
  const jobId = await person.mutation(api.datasets.console.requestBuild, {
    ...{ instrument, timeframe, source, sourceTimeframe, fromMs, toMs },
    featureSetId: options.features,
  });
  const datasetId = (await finished(person, jobId, "dataset build")) as Id<"datasets">;
  const dataset = await person.query(api.datasets.console.get, { datasetId });
  const { verdict, coveragePct, gaps } = dataset.quality;
  const { sideFeeds = [] } = JSON.parse(dataset.manifest) as DatasetManifestCore;
  return {
    datasetId,
    datasetHash: dataset.datasetHash,
    rows: dataset.rows,
    featureCount: dataset.featureCount,
    featureFingerprint: dataset.featureFingerprint,
    quality: { verdict, coveragePct, gaps },
    feeds: sideFeeds.map(({ feed, source: from, points, sha256 }) => ({
      feed,
      source: from,
      points,
      sha256,
    })),
    bytes: dataset.bytes,
    seconds: secondsSince(startedAtMs),
  };
}

export interface TrainOptions {
  dataset: string;
  algorithm: Algorithm;
  steps: number;
  seed: number;
  name?: string;
  hyperparameters: Record<string, number>;
  kernel: KernelChoice;
  threads: ThreadChoice;
  /** A version id, or true for the newest interrupted one with the same dataset, steps and seed. */
  resume?: string | true;
}

export async function train(person: Desk, options: TrainOptions) {
  const startedAtMs = systemClock.monotonicMs();
  const { versionId, jobId } = await requestOrResume(person, options);
  process.stderr.write(`version ${versionId}\n`);
  const end = await waitForJob(person, jobId);
  if (end.status === "cancelled") {
    throw new CommandError(
      `Stopped; the checkpoint is kept. Go on with: assay train --dataset ${options.dataset} --algorithm ${options.algorithm} --steps ${options.steps} --seed ${options.seed} --resume ${versionId}`,
    );
  }
  if (end.status === "failed") throw new CommandError(`The training failed: ${end.error?.message}`);
  const version = await person.query(api.agents.console.get, { versionId });
  return {
    versionId,
    artifactSha256: version.artifactSha256,
    environmentSteps: version.environmentSteps,
    stepsPerSecond: version.stepsPerSecond,
    finalMetrics: version.finalMetrics,
    seconds: secondsSince(startedAtMs),
  };
}

async function requestOrResume(person: Desk, options: TrainOptions) {
  const { resume, steps, seed } = options;
  const datasetId = options.dataset as Id<"datasets">;
  if (resume === undefined) {
    return person.mutation(api.agents.console.requestTraining, {
      datasetId,
      algorithm: options.algorithm,
      steps,
      seed,
      hyperparameters: options.hyperparameters,
      kernel: options.kernel,
      threads: options.threads,
      name: options.name,
    });
  }
  if (resume !== true)
    return person.mutation(api.agents.console.resumeTraining, { versionId: resume as Id<"agentVersions"> });
  const versions = await person.query(api.agents.console.list, {});
  const interrupted = versions.find(
    (version) =>
      version.datasetId === datasetId &&
      version.algorithm === options.algorithm &&
      version.stepsRequested === steps &&
      version.seed === seed &&
      (version.status === "cancelled" || version.status === "failed"),
  );
  if (interrupted === undefined)
    throw new CommandError("No interrupted training has this dataset, steps and seed; drop --resume");
  return person.mutation(api.agents.console.resumeTraining, { versionId: interrupted._id });
}

export interface EvaluateOptions {
  version: string;
  source: string;
  fromMs: number;
  toMs: number;
}

export async function evaluate(person: Desk, options: EvaluateOptions) {
  const startedAtMs = systemClock.monotonicMs();
  const versionId = options.version as Id<"agentVersions">;
  const version = await person.query(api.agents.console.get, { versionId });
  const sourceTimeframe = await finestSource(person, version.instrument, options.source, version.timeframe);
  const { source, fromMs, toMs } = options;
  const jobId = await person.mutation(api.evaluations.console.request, {
    versionId,
    source,
    sourceTimeframe,
    fromMs,
    toMs,
  });
  const evaluationId = (await finished(person, jobId, "evaluation")) as Id<"evaluations">;
  const report = await person.query(api.evaluations.console.get, { evaluationId });
  return {
    evaluationId,
    versionId,
    datasetHash: report.datasetHash,
    ...report.performance,
    actionMix: report.actionMix,
    baselines: Object.fromEntries(report.baselines.map(({ name, performance }) => [name, performance])),
    trialCount: report.trialsNow,
    gates: report.gates,
    seconds: secondsSince(startedAtMs),
  };
}

/** Promotes or reports the refusal; `refused` decides the exit code. */
export async function promote(person: Desk, options: { version: string; force: boolean; reason?: string }) {
  const versionId = options.version as Id<"agentVersions">;
  if (options.force && options.reason === undefined) {
    throw new UsageError(
      `--force needs --reason "why" (3 to ${LIMITS.reasonChars} characters); it is kept in the audit log`,
    );
  }
  const result = options.force
    ? await person.mutation(api.governance.console.forcePromote, { versionId, reason: options.reason! })
    : await person.mutation(api.governance.console.promote, { versionId });
  const failing = result.gates.filter((gate) => !gate.passed);
  return {
    versionId,
    outcome: result.outcome,
    failingGates: failing.map(({ gate, value, threshold, sentence }) => ({
      gate,
      value,
      threshold,
      sentence,
    })),
    gates: result.gates,
  };
}
