/** The worker's part in the life of a model, against a double of the desk that records what is called. */

import { getFunctionName } from "convex/server";
import { ConvexError } from "convex/values";
import { describe, expect, test } from "vitest";
import type { Id } from "../../convex/_generated/dataModel";
import { initialAccount } from "../../lib/broker/account";
import { appError } from "../../lib/contract/errors";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { createPrng } from "../../lib/core/prng";
import { featureFingerprint } from "../../lib/features/fingerprint";
import { observationFields, observationSize } from "../../lib/features/observation";
import { featureSetById } from "../../lib/features/registry";
import { INSTRUMENTS } from "../../lib/market/instruments";
import { buildArtifact } from "../../lib/policy/artifact";
import { initialWeights } from "../../lib/policy/network";
import { defaultEnvSpec } from "../env/envSpec";
import type { ReadyBar } from "../infer/barPipeline";
import type { RunIdentity } from "../infer/decide";
import { loadVersion } from "./artifact";
import { followModel, GhostDecider } from "./challenger";
import type { JobContext } from "./context";

const SPEC = featureSetById("core-v1");

/** A stored artifact as the desk answers it; `torn` changes a byte of its files after they were hashed. */
function stored(seed: number, torn = false) {
  const network = {
    observationSize: observationSize(SPEC),
    hiddenSizes: [8],
    actionCount: 3,
    activation: "tanh" as const,
  };
  const width = SPEC.columns.length;
  const built = buildArtifact({
    algorithm: "ppo",
    instrument: "XAUT-USDT",
    timeframe: "15m",
    datasetHash: "d".repeat(64),
    featureSetId: SPEC.id,
    featureFingerprint: featureFingerprint(SPEC),
    observationFields: observationFields(SPEC),
    normaliser: { mean: Array(width).fill(0), std: Array(width).fill(1), clip: 5 },
    network,
    environment: defaultEnvSpec(INSTRUMENTS[0]!.rules),
    seed,
    environmentSteps: 1_000,
    hyperparameters: {},
    trainedWithKernel: "dense-f32-simd128-1",
    weights: initialWeights(network, createPrng(seed)),
  });
  const files = [...built.files].map(([name, bytes]) => {
    const sent = bytes.slice();
    if (torn) sent[0] = sent[0]! ^ 1;
    const url = `data:application/octet-stream;base64,${Buffer.from(sent).toString("base64")}`;
    return { name, url, sha256: built.manifest.files[name]!.sha256, bytes: bytes.length };
  });
  return { artifactSha256: built.artifactSha256, manifest: canonicalJson(built.manifest), files };
}

type Answer = (args: Record<string, unknown>) => unknown;

function contextOf(answers: Record<string, Answer>) {
  const calls: { name: string; args: Record<string, unknown> }[] = [];
  const call = async (reference: never, args: Record<string, unknown>) => {
    const name = getFunctionName(reference);
    calls.push({ name, args });
    return answers[name]?.(args) ?? null;
  };
  const silent = { info: () => {}, error: () => {}, warn: () => {}, debug: () => {} };
  const clock = { nowMs: () => 0, monotonicMs: () => 0, sleep: async () => {} };
  const lease = { jobId: "job", leaseToken: 1 };
  const context = { desk: { query: call, mutation: call }, clock, lease, log: silent };
  return { context: context as unknown as JobContext, calls };
}

const RUN = {
  _id: "run",
  versionId: "old",
  feed: "live",
  source: "x",
  sourceTimeframe: "15m",
  timeframe: "15m",
};
const NEW = "new" as Id<"agentVersions">;
const ARTIFACT = "agents/worker:artifact";

async function identityOf(): Promise<RunIdentity> {
  const { context } = contextOf({ [ARTIFACT]: () => stored(1) });
  const version = await loadVersion(context.desk, "old" as Id<"agentVersions">);
  return { run: RUN as unknown as RunIdentity["run"], version, featuresFromMs: 0 };
}

describe("a run that is to go over to another model", () => {
  test("has it from then on, verified, when the desk has agreed", async () => {
    const identity = await identityOf();
    const next = stored(2);
    const { context, calls } = contextOf({
      [ARTIFACT]: () => next,
      "runs/worker:switchModel": () => ({ ...RUN, versionId: NEW }),
    });
    await followModel(context, identity, NEW);
    expect(identity.run.versionId).toBe(NEW);
    expect(identity.version.artifactSha256).toBe(next.artifactSha256);
    expect(calls.map(({ name }) => name)).toEqual([ARTIFACT, "runs/worker:switchModel"]);
  });

  test("A-01: keeps the one it has when the new one is torn, and says so to the desk", async () => {
    const identity = await identityOf();
    const { artifactSha256 } = identity.version;
    const { context, calls } = contextOf({ [ARTIFACT]: () => stored(2, true) });
    await followModel(context, identity, NEW);
    expect(identity.run.versionId).toBe("old");
    expect(identity.version.artifactSha256).toBe(artifactSha256);
    expect(calls.at(-1)).toMatchObject({
      name: "runs/worker:refuseModel",
      args: { versionId: NEW, reason: expect.stringContaining("does not match its hash") },
    });
  });

  test("keeps the one it has for this bar when the line fails, without a word against the model", async () => {
    const identity = await identityOf();
    const { context, calls } = contextOf({
      [ARTIFACT]: () => {
        throw new TypeError("fetch failed");
      },
    });
    await followModel(context, identity, NEW);
    expect(identity.run.versionId).toBe("old");
    expect(calls.map(({ name }) => name)).toEqual([ARTIFACT]);
  });

  test("W-06: stops when the lease is gone", async () => {
    const { context } = contextOf({
      [ARTIFACT]: () => stored(2),
      "runs/worker:switchModel": () => {
        throw new ConvexError(appError("LEASE_LOST", "gone"));
      },
    });
    await expect(followModel(context, await identityOf(), NEW)).rejects.toThrow();
  });
});

describe("a ghost", () => {
  const ready: ReadyBar = {
    bar: { openTimeMs: 900_000, open: 2_000, high: 2_001, low: 1_999, close: 2_000, volume: 5 },
    features: new Float64Array(SPEC.columns.length).fill(0.5),
    atr: 4,
    barsHash: "b".repeat(64),
  };
  const ghost = { shadowId: "shadow" as Id<"shadows">, versionId: NEW, account: initialAccount(10_000, 0) };

  test("decides with the challenger's own weights and provenance, and loads it once", async () => {
    const next = stored(2);
    const { context, calls } = contextOf({ [ARTIFACT]: () => next });
    const identity = await identityOf();
    const decider = new GhostDecider(context);
    await decider.decide(identity, ghost, ready, 0);
    await decider.decide(identity, ghost, ready, 0);
    expect(calls.map(({ name }) => name)).toEqual([
      ARTIFACT,
      "shadows/worker:decide",
      "shadows/worker:decide",
    ]);
    expect(calls[1]!.args).toMatchObject({
      ...{ runId: "run", shadowId: "shadow" },
      submission: {
        barOpenTimeMs: 900_000,
        action: expect.any(Number),
        provenance: { versionId: NEW, artifactSha256: next.artifactSha256 },
      },
    });
    expect(identity.run.versionId, "the run's own model is untouched").toBe("old");
  });

  test("A-01: whose model is torn is refused to the desk; the run goes on", async () => {
    const { context, calls } = contextOf({ [ARTIFACT]: () => stored(2, true) });
    await new GhostDecider(context).decide(await identityOf(), ghost, ready, 0);
    expect(calls.at(-1)!.name).toBe("shadows/worker:refuse");
  });

  test("never costs the run a bar: a refused decision is logged and dropped", async () => {
    const { context } = contextOf({
      [ARTIFACT]: () => stored(2),
      "shadows/worker:decide": () => {
        throw new ConvexError(appError("CONFLICT", "the shadow has ended"));
      },
    });
    await expect(
      new GhostDecider(context).decide(await identityOf(), ghost, ready, 0),
    ).resolves.toBeUndefined();
  });
});
