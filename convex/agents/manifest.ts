/** What a worker hands in as the result of a training, and whether it is one of that version. */
import { ConvexError, type Infer, v } from "convex/values";
import { costModelHash } from "../../lib/broker/charges";
import type { CostModel } from "../../lib/broker/types";
import { appError } from "../../lib/contract/errors";
import type { ArtifactManifest } from "../../lib/policy/types";
import type { Doc } from "../_generated/dataModel";
import { vArtifactFile } from "./schema";

export const vTrainingResult = v.object({
  manifest: v.string(),
  artifactSha256: v.string(),
  files: v.array(vArtifactFile),
  finalMetrics: v.record(v.string(), v.number()),
  environmentSteps: v.number(),
  stepsPerSecond: v.number(),
  seconds: v.number(),
});

/** The identity that an artifact must share with the version it is delivered for, in the manifest's own words. */
const IDENTITY = [
  "algorithm",
  "instrument",
  "timeframe",
  "datasetHash",
  "featureSetId",
  "featureFingerprint",
  "seed",
] as const;

export function parseManifest(text: string): Partial<ArtifactManifest> {
  try {
    return (JSON.parse(text) as Partial<ArtifactManifest> | null) ?? {};
  } catch {
    return {};
  }
}

/** Refuses an artifact that was made for something else than the version. */
export function assertManifestFits(
  version: Doc<"agentVersions">,
  result: Infer<typeof vTrainingResult>,
): void {
  const refuse = (message: string) => {
    throw new ConvexError(appError("ARTIFACT_HASH_MISMATCH", `${message}; train again`, "manifest"));
  };
  const manifest = parseManifest(result.manifest);
  const wrong = IDENTITY.find((field) => manifest[field] !== version[field]);
  if (wrong !== undefined) refuse(`The manifest's ${wrong} is not that of ${version.name}`);
  const { costs } = (manifest.environment ?? {}) as { costs?: CostModel };
  if (version.costModelHash !== undefined && (!costs || costModelHash(costs) !== version.costModelHash)) {
    refuse(`The manifest's costs are not those that ${version.name} was requested with`);
  }
  const wanted = Object.entries(manifest.files ?? {});
  const isStored = wanted.every(([name, { sha256 }]) =>
    result.files.some((file) => file.name === name && file.sha256 === sha256),
  );
  if (wanted.length !== result.files.length || !isStored) refuse("The files are not those of the manifest");
}

/** What a training adds to its settings to say how it went; no recipe asks for them. */
const NOT_ASKED_FOR = ["plannedSteps", "fromRow", "toRow", "temperature"];
/** Settings of the environment that a recipe may override, as `env.<name>`. */
const OF_ENVIRONMENT = [
  "rewardScale",
  "drawdownPenalty",
  "turnoverPenalty",
  "holdingPenalty",
  "episodeBars",
  "ruinEquityFraction",
];

/**
 * The steps and settings that a model was trained with, all of them spelled out: its walk-forward must retrain this
 * recipe, not the defaults of the desk that it was brought to.
 */
export function recipeInManifest(manifest: Partial<ArtifactManifest>): {
  steps: number;
  hyperparameters: Record<string, number>;
} {
  const { hyperparameters: stated = {}, environmentSteps = 0, network } = manifest;
  const environment = (manifest.environment ?? {}) as Record<string, unknown>;
  const own = Object.entries(stated).filter(([name]) => !NOT_ASKED_FOR.includes(name));
  const reward = OF_ENVIRONMENT.flatMap((name) =>
    typeof environment[name] === "number" ? [[`env.${name}`, environment[name]]] : [],
  );
  const encoder = network?.encoder;
  const encoded =
    encoder === undefined
      ? []
      : [
          ["encoder.units", encoder.units],
          ["encoder.fusionUnits", encoder.fusionUnits],
        ];
  return {
    steps: stated.plannedSteps ?? environmentSteps,
    hyperparameters: Object.fromEntries([...own, ...reward, ...encoded]) as Record<string, number>,
  };
}
