import type { TrainingReference } from "../features/guard";
import type { Normaliser } from "../features/types";

/** Observation columns that an encoder of their own reads, such as all of one timeframe. */
export interface EncoderGroup {
  name: string;
  columns: number[];
}

/**
 * An encoder per group of the observation, then a fusion layer over all of them (capability S1-15). The groups
 * share out the observation: every column belongs to exactly one.
 */
export interface EncoderSpec {
  groups: EncoderGroup[];
  /** Outputs of each group's encoder. */
  units: number;
  fusionUnits: number;
}

/** Dense tanh network with a policy head and a value head. */
export interface NetworkSpec {
  observationSize: number;
  hiddenSizes: number[];
  actionCount: number;
  activation: "tanh";
  /** "separate": policy and value each have hidden layers of `hiddenSizes` of their own; absent: they share one trunk. */
  trunk?: "separate";
  /** Below the hidden layers of each trunk; absent: the first hidden layer reads the whole observation. */
  encoder?: EncoderSpec;
}

export interface PolicyOutput {
  logits: Float32Array;
  probabilities: Float32Array;
  value: number;
  /** Index of the largest probability; ties go to the lower index. */
  action: number;
}

/** Everything needed to trust, load and replay a policy. Its canonical JSON's SHA-256 is the artifact checksum. */
export interface ArtifactManifest {
  formatVersion: 1;
  algorithm: string;
  instrument: string;
  timeframe: string;
  datasetHash: string;
  featureSetId: string;
  featureFingerprint: string;
  observationFields: string[];
  normaliser: Normaliser;
  /** What the training rows looked like; artifacts made before it existed have none and are not guarded by it. */
  trainingReference?: TrainingReference;
  network: NetworkSpec;
  /** Environment, cost model and sizing exactly as trained. */
  environment: unknown;
  environmentHash: string;
  seed: number;
  environmentSteps: number;
  hyperparameters: Record<string, number>;
  /** Kernel that trained it; inference always uses `kernelVersion` of the baseline kernel. */
  trainedWithKernel: string;
  kernelVersion: string;
  files: Record<string, { sha256: string; bytes: number }>;
  golden: Array<{ observation: number[]; logits: number[]; value: number }>;
}
