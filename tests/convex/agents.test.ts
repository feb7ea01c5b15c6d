import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { canonicalJson } from "../../lib/core/canonicalJson";
import { sha256Hex } from "../../lib/core/sha256";
import { countTrials } from "../../lib/stats/trialCount";
import { appendBars, bar, beginTraining, seedDataset, seedVersion, trainingResult } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";

let desk: Desk;
let datasetId: Id<"datasets">;
let datasetHash: string;
beforeEach(async () => {
  desk = await openDesk();
  await appendBars(desk, [bar(0, 2_000)]);
  datasetId = await seedDataset(desk);
  ({ datasetHash } = await desk.service.query(api.datasets.worker.get, { datasetId }));
});

type Training = Awaited<ReturnType<typeof beginTraining>>;
type Result = Awaited<ReturnType<typeof trainingResult>>;
const complete = ({ versionId, lease }: Training, result: Result) =>
  desk.service.mutation(api.agents.worker.complete, { ...lease, versionId, result });
const version = (versionId: Id<"agentVersions">) => desk.viewer.query(api.agents.console.get, { versionId });
const trials = async () => countTrials(await desk.t.run((ctx) => ctx.db.query("trials").collect()));
const LEDGER = { deskId: "d".repeat(64), trials: 40 };

describe("delivering an artifact", () => {
  test("A-01: a manifest that does not hash to its checksum is refused and leaves nothing", async () => {
    const training = await beginTraining(desk, datasetId);
    const result = await trainingResult(desk, datasetHash);
    const edited = { ...result, manifest: result.manifest.replace('"seed":7', '"seed":8') };
    expect(edited.manifest).not.toBe(result.manifest);
    await expectFailure(complete(training, edited), "ARTIFACT_HASH_MISMATCH", "manifest");
    expect(await version(training.versionId)).toMatchObject({ status: "training", manifest: null });
    expect(await trials()).toBe(1);
  });

  const foreign: [string, (result: Result) => object][] = [
    ["dataset", () => ({ datasetHash: "0".repeat(64) })],
    ["seed", () => ({ seed: 8 })],
    ["instrument", () => ({ instrument: "PAXG-USDT" })],
    ["features", () => ({ featureFingerprint: "0".repeat(64) })],
  ];
  test.each(foreign)(
    "A-01: an artifact made with another %s is refused for this version",
    async (_, change) => {
      const training = await beginTraining(desk, datasetId);
      const result = await trainingResult(desk, datasetHash);
      const manifest = canonicalJson({ ...JSON.parse(result.manifest), ...change(result) });
      const swapped = { ...result, manifest, artifactSha256: sha256Hex(manifest) };
      await expectFailure(complete(training, swapped), "ARTIFACT_HASH_MISMATCH", "manifest");
    },
  );

  test.each(["not JSON", "null", "[]"])(
    "A-01: %j is no manifest, whatever its checksum",
    async (manifest) => {
      const training = await beginTraining(desk, datasetId);
      const result = {
        ...(await trainingResult(desk, datasetHash)),
        manifest,
        artifactSha256: sha256Hex(manifest),
      };
      await expectFailure(complete(training, result), "ARTIFACT_HASH_MISMATCH", "manifest");
    },
  );

  test("A-01: files that are not those of the manifest are refused: missing, extra or swapped", async () => {
    const training = await beginTraining(desk, datasetId);
    const result = await trainingResult(desk, datasetHash);
    const [first, second] = result.files as [Result["files"][0], Result["files"][0]];
    const wrong = [
      [first],
      [first, second, { ...first, name: "extra" }],
      [first, { ...second, sha256: "0" }],
    ];
    for (const files of wrong) {
      await expectFailure(complete(training, { ...result, files }), "ARTIFACT_HASH_MISMATCH", "manifest");
    }
  });

  test("a delivered artifact makes a candidate whose manifest and files the worker gets back", async () => {
    const { versionId, artifactSha256 } = await seedVersion(desk);
    expect(await version(versionId)).toMatchObject({ status: "candidate", artifactSha256 });
    const artifact = await desk.service.query(api.agents.worker.artifact, { versionId });
    expect(sha256Hex(artifact.manifest)).toBe(artifactSha256);
    expect(artifact.files.map((file) => file.name).sort()).toEqual(["model.json", "weights.bin"]);
  });

  test("A-01: a stored manifest that was edited is not given out", async () => {
    const { versionId } = await seedVersion(desk);
    await desk.t.run(async (ctx) => {
      const [row] = await ctx.db.query("agentManifests").collect();
      await ctx.db.patch(row!._id, { manifest: `${row!.manifest} ` });
    });
    const read = desk.service.query(api.agents.worker.artifact, { versionId });
    await expectFailure(read, "ARTIFACT_HASH_MISMATCH");
  });

  test("W-04: a worker that died after delivering is followed by one that changes nothing", async () => {
    const training = await beginTraining(desk, datasetId);
    const result = await trainingResult(desk, datasetHash);
    await complete(training, result);
    const { versionId, lease } = training;
    await desk.service.mutation(api.agents.worker.markTraining, { ...lease, versionId });
    await complete(training, result);
    expect(await version(versionId)).toMatchObject({ status: "candidate" });
    expect(await trials()).toBe(1);
    const failed = { ...lease, versionId, status: "failed" as const, reason: "the machine went away" };
    await desk.service.mutation(api.agents.worker.abandon, failed);
    expect(await version(versionId)).toMatchObject({ status: "candidate" });
    await expectFailure(
      complete(training, await trainingResult(desk, datasetHash, 8)),
      "CONFLICT",
      "versionId",
    );
  });
});

test("each completed training counts one trial, and no function can remove one", async () => {
  await seedVersion(desk);
  const second = await beginTraining(desk, datasetId, 8);
  await complete(second, await trainingResult(desk, datasetHash, 8));
  expect(await trials()).toBe(2);
  const sources = import.meta.glob("../../convex/**/*.ts", { query: "?raw", import: "default", eager: true });
  const writers = Object.entries(sources).filter(([, text]) => /["'`]trials["'`]/.test(String(text)));
  expect(writers.map(([path]) => path.replace(/^.*convex\//, "")).sort()).toEqual([
    "evaluations/model.ts",
    "evaluations/trials.ts",
  ]);
  for (const [path, text] of writers)
    expect(`${path} ${text}`).not.toMatch(/\.delete\(|\.replace\(|\.patch\((?!evaluation\._id)/);
});

describe("an imported model", () => {
  const importModel = (
    model: Omit<Result, "finalMetrics" | "environmentSteps" | "stepsPerSecond" | "seconds">,
    ledger = LEDGER,
  ) => desk.operator.mutation(api.agents.console.importModel, { model: { ...model, ledger } });
  async function exported(hash = datasetHash) {
    const { manifest, artifactSha256, files } = await trainingResult(desk, hash);
    return { manifest, artifactSha256, files };
  }

  test("is a candidate on the dataset it names by hash, brings the trials of its desk, and is registered once", async () => {
    const model = await exported();
    const { versionId, isNew } = await importModel(model);
    expect(isNew).toBe(true);
    expect(await version(versionId)).toMatchObject({
      status: "candidate",
      datasetId,
      artifactSha256: model.artifactSha256,
      seed: 7,
    });
    expect(await importModel(model)).toEqual({ versionId, isNew: false });
    expect(await trials()).toBe(40);
  });

  test("keeps the recipe that it was trained with: its walk-forward must not retrain the defaults", async () => {
    const model = await exported();
    const { hyperparameters } = JSON.parse(model.manifest) as { hyperparameters: Record<string, number> };
    const { plannedSteps, fromRow: _from, toRow: _to, ...settings } = hyperparameters;
    const imported = await version((await importModel(model)).versionId);
    expect(imported.hyperparameters).toMatchObject(settings);
    expect(imported.stepsRequested).toBe(plannedSteps ?? 1_000);
  });

  test("whose export names no desk or no trial is refused", async () => {
    const model = await exported();
    await expectFailure(importModel(model, { ...LEDGER, trials: 0 }), "INVALID_ARGUMENT", "ledger");
    await expectFailure(importModel(model, { ...LEDGER, trials: 1.5 }), "INVALID_ARGUMENT", "ledger");
    await expectFailure(importModel(model, { ...LEDGER, deskId: "" }), "INVALID_ARGUMENT", "ledger");
    expect(await trials()).toBe(0);
  });

  test("A-01: is refused when its dataset is not here, its checksum is wrong or a file is another one", async () => {
    await expectFailure(importModel(await exported("0".repeat(64))), "NOT_FOUND", "manifest");
    const model = await exported();
    const wrong = { ...model, artifactSha256: "0".repeat(64) };
    await expectFailure(importModel(wrong), "ARTIFACT_HASH_MISMATCH", "manifest");
    const files = model.files.map((file) => ({ ...file, sha256: "1".repeat(64) }));
    await expectFailure(importModel({ ...model, files }), "ARTIFACT_HASH_MISMATCH", "manifest");
    expect(await trials()).toBe(0);
    expect(await desk.viewer.query(api.agents.console.list, {})).toEqual([]);
  });
});
