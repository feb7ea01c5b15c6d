import { canonicalJson } from "../core/canonicalJson";
import { createPrng } from "../core/prng";
import { err, ok, type Result } from "../core/result";
import { sha256Hex } from "../core/sha256";
import { createPolicy, type Policy } from "./decide";
import { KERNEL_VERSION } from "./kernel/instance";
import { fromLayersModel, toLayersModel } from "./layersModel";
import type { ArtifactManifest, NetworkSpec } from "./types";

const GOLDEN_VECTORS = 8;

/** What the trainer knows; the rest of the manifest is computed from the weights. */
export type ArtifactInput = Omit<
  ArtifactManifest,
  "formatVersion" | "kernelVersion" | "files" | "golden" | "environmentHash"
> & { weights: Float32Array };

export interface BuiltArtifact {
  manifest: ArtifactManifest;
  /** `model.json` and `weights.bin`, the tfjs LayersModel. */
  files: Map<string, Uint8Array>;
  /** SHA-256 of the manifest's canonical JSON; the manifest holds the hash of every file. */
  artifactSha256: string;
}

export interface LoadedPolicy {
  manifest: ArtifactManifest;
  artifactSha256: string;
  policy: Policy;
}

export type ArtifactRefusalCode =
  | "ARTIFACT_CHECKSUM_MISMATCH"
  | "ARTIFACT_SCHEMA_INVALID"
  | "ARTIFACT_FILE_MISSING"
  | "ARTIFACT_FILE_MISMATCH"
  | "ARTIFACT_MODEL_INVALID"
  | "ARTIFACT_KERNEL_MISMATCH"
  | "ARTIFACT_GOLDEN_MISMATCH";

export interface ArtifactRefusal {
  code: ArtifactRefusalCode;
  message: string;
}

/** SHA-256 of a manifest's canonical JSON: the checksum by which an artifact is known everywhere. */
export function artifactChecksum(manifest: ArtifactManifest): string {
  return sha256Hex(canonicalJson(manifest));
}

/** Hash of an environment description (environment, cost model and sizing), as in the manifest. */
export function environmentHash(environment: unknown): string {
  return sha256Hex(canonicalJson(environment));
}

/**
 * Packs trained weights with everything needed to trust and replay them. Holds no time and no machine
 * name: the same training gives the same checksum anywhere.
 * @throws PolicyError when the network or the weights are not valid.
 */
export function buildArtifact({ weights, ...input }: ArtifactInput): BuiltArtifact {
  const files = toLayersModel(input.network, weights);
  const manifest: ArtifactManifest = {
    formatVersion: 1,
    ...input,
    environmentHash: environmentHash(input.environment),
    kernelVersion: KERNEL_VERSION,
    files: Object.fromEntries(
      [...files].map(([name, bytes]) => [name, { sha256: sha256Hex(bytes), bytes: bytes.length }]),
    ),
    golden: goldenVectors(input.network, createPolicy(input.network, weights)),
  };
  return { manifest, files, artifactSha256: artifactChecksum(manifest) };
}

/**
 * Loads a policy only when everything agrees: the manifest's checksum, each file's size and hash, the
 * topology, finite weights, this build's kernel, and the recorded outputs to the last bit.
 */
export function verifyArtifact(
  manifest: ArtifactManifest,
  files: ReadonlyMap<string, Uint8Array>,
  expectedSha256: string,
): Result<LoadedPolicy, ArtifactRefusal> {
  const refuse = (code: ArtifactRefusalCode, message: string) => err({ code, message });
  const schemaProblem = attempt(() => manifestProblem(manifest));
  if (schemaProblem) return refuse("ARTIFACT_SCHEMA_INVALID", schemaProblem);
  const actual = artifactChecksum(manifest);
  if (actual !== expectedSha256) {
    return refuse("ARTIFACT_CHECKSUM_MISMATCH", `manifest hashes to ${actual}, expected ${expectedSha256}`);
  }
  for (const [name, want] of Object.entries(manifest.files)) {
    const bytes = files.get(name);
    if (!bytes) return refuse("ARTIFACT_FILE_MISSING", `${name} is missing`);
    if (bytes.length !== want.bytes) {
      return refuse("ARTIFACT_FILE_MISMATCH", `${name} has ${bytes.length} bytes, expected ${want.bytes}`);
    }
    const hash = sha256Hex(bytes);
    if (hash !== want.sha256) {
      return refuse("ARTIFACT_FILE_MISMATCH", `${name} hashes to ${hash}, expected ${want.sha256}`);
    }
  }
  const model = fromLayersModel(files);
  if (!model.ok) return refuse("ARTIFACT_MODEL_INVALID", model.error);
  if (canonicalJson(model.value.spec) !== canonicalJson(manifest.network)) {
    return refuse("ARTIFACT_MODEL_INVALID", "the model's layers are not those of manifest.network");
  }
  if (manifest.kernelVersion !== KERNEL_VERSION) {
    return refuse(
      "ARTIFACT_KERNEL_MISMATCH",
      `made for kernel ${manifest.kernelVersion}, this build has ${KERNEL_VERSION}; retrain or use that build`,
    );
  }
  const policy = createPolicy(manifest.network, model.value.weights);
  const goldenProblem = attempt(() => goldenMismatch(manifest.golden, policy));
  if (goldenProblem) return refuse("ARTIFACT_GOLDEN_MISMATCH", goldenProblem);
  return ok({ manifest, artifactSha256: actual, policy });
}

function goldenVectors(network: NetworkSpec, policy: Policy): ArtifactManifest["golden"] {
  const prng = createPrng(1);
  return Array.from({ length: GOLDEN_VECTORS }, () => {
    const observation = Float32Array.from({ length: network.observationSize }, () => prng.nextGaussian());
    const { logits, value } = policy.decide(observation);
    return { observation: [...observation], logits: [...logits], value };
  });
}

function goldenMismatch(golden: ArtifactManifest["golden"], policy: Policy): string | null {
  for (const [i, want] of golden.entries()) {
    const got = policy.decide(Float32Array.from(want.observation));
    const same = got.value === want.value && want.logits.every((logit, a) => logit === got.logits[a]);
    if (!same) return `golden vector ${i} is not reproduced to the bit`;
  }
  return null;
}

/** Foreign input can fail a check in ways no schema foresees; whatever it throws is the problem's text. */
function attempt(check: () => string | null): string | null {
  try {
    return check();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The first thing wrong with a manifest read from outside, or null. */
function manifestProblem(m: ArtifactManifest): string | null {
  const text = (v: unknown) => typeof v === "string" && v.length > 0;
  const numbers = (v: unknown) => Array.isArray(v) && v.every((x) => Number.isFinite(x));
  if (m === null || typeof m !== "object") return "the manifest is not an object";
  if (m.formatVersion !== 1) return `formatVersion must be 1, got ${String(m.formatVersion)}`;
  for (const field of [
    "algorithm",
    "instrument",
    "timeframe",
    "datasetHash",
    "featureSetId",
    "featureFingerprint",
    "environmentHash",
    "trainedWithKernel",
    "kernelVersion",
  ] as const) {
    if (!text(m[field])) return `${field} must be a non-empty string`;
  }
  if (!Array.isArray(m.observationFields) || !m.observationFields.every(text)) {
    return "observationFields must be strings";
  }
  if (m.observationFields.length !== m.network?.observationSize) {
    return `observationFields must have network.observationSize entries, got ${m.observationFields.length}`;
  }
  const { mean, std, clip } = m.normaliser ?? {};
  if (!numbers(mean) || !numbers(std) || mean.length !== std.length || !(clip > 0)) {
    return "normaliser must hold finite mean and std of equal length and a positive clip";
  }
  const reference = m.trainingReference;
  if (reference !== undefined) {
    const { low, high, shareLimit, distanceLimit } = reference;
    const isSound =
      numbers(low) && numbers(high) && low.length === mean.length && high.length === mean.length;
    if (!isSound || !(shareLimit > 0) || !(distanceLimit > 0)) {
      return "trainingReference must hold finite low and high for every feature and limits above 0";
    }
  }
  if (environmentHash(m.environment) !== m.environmentHash) return "environmentHash is not of environment";
  if (m.files === null || typeof m.files !== "object") return "files must be an object";
  if (!Array.isArray(m.golden) || m.golden.length === 0) return "golden vectors are missing";
  const goldenSound = m.golden.every(
    (g) =>
      numbers(g.observation) &&
      g.observation.length === m.network.observationSize &&
      numbers(g.logits) &&
      g.logits.length === m.network.actionCount &&
      Number.isFinite(g.value),
  );
  return goldenSound ? null : "a golden vector does not fit the network";
}
