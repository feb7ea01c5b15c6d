import { describe, expect, it } from "vitest";
import { bytesToFloat32, float32ToBytes } from "../core/bytes";
import { createPrng } from "../core/prng";
import { sha256Hex } from "../core/sha256";
import { artifactChecksum, buildArtifact, verifyArtifact } from "./artifact";
import { WEIGHTS_FILE } from "./layersModel";
import { initialWeights, weightsHeldAtZero } from "./network";
import type { ArtifactManifest, EncoderGroup, NetworkSpec } from "./types";

const plain: NetworkSpec = { observationSize: 4, hiddenSizes: [8, 8], actionCount: 3, activation: "tanh" };
const encoded: NetworkSpec = {
  ...plain,
  encoder: {
    groups: [
      { name: "base", columns: [0, 2] },
      { name: "1h", columns: [1, 3] },
    ],
    units: 2,
    fusionUnits: 2,
  },
};

function build(seed = 1, network: NetworkSpec = plain) {
  return buildArtifact({
    algorithm: "ppo",
    instrument: "XAUT-USDT",
    timeframe: "15m",
    datasetHash: "d".repeat(64),
    featureSetId: "core-v1",
    featureFingerprint: "f".repeat(64),
    observationFields: ["a", "b", "c", "position"],
    normaliser: { mean: [0, 0, 0], std: [1, 1, 1], clip: 5 },
    network,
    environment: { episodeBars: 100 },
    seed,
    environmentSteps: 1000,
    hyperparameters: { gamma: 0.99 },
    trainedWithKernel: "dense-f32-simd128-1",
    weights: initialWeights(network, createPrng(seed)),
  });
}

const edited = (manifest: ArtifactManifest, change: Partial<ArtifactManifest>) => ({
  ...manifest,
  ...change,
});

describe("artifact", () => {
  it("loads again, through JSON, with the checksum it was built with", () => {
    const { manifest, files, artifactSha256 } = build();
    const stored = JSON.parse(JSON.stringify(manifest)) as ArtifactManifest;
    const loaded = verifyArtifact(stored, files, artifactSha256);
    expect(loaded.ok && loaded.value.artifactSha256).toBe(artifactSha256);
  });

  it("the same training gives the same checksum and another seed another", () => {
    expect(build().artifactSha256).toBe(build().artifactSha256);
    expect(build(2).artifactSha256).not.toBe(build().artifactSha256);
  });

  it("one without an encoder keeps the checksum that it had before there were encoders", () => {
    expect(build().artifactSha256).toBe("bde6a6dd534707201dd58e51b176dbd7fe0a677121d15674ab8521397e8cd8d7");
  });

  it("A-01: an encoder that reads another group's column, or other groups than recorded, is refused even when re-hashed", () => {
    const { manifest, files, artifactSha256 } = build(1, encoded);
    const stored = JSON.parse(JSON.stringify(manifest)) as ArtifactManifest;
    expect(verifyArtifact(stored, files, artifactSha256).ok).toBe(true);

    const weights = bytesToFloat32(files.get(WEIGHTS_FILE)!);
    weights[weightsHeldAtZero(encoded)[0]!] = 0.5;
    const bytes = float32ToBytes(weights);
    const leaking = edited(manifest, {
      files: { ...manifest.files, [WEIGHTS_FILE]: { sha256: sha256Hex(bytes), bytes: bytes.length } },
    });
    const altered = new Map(files).set(WEIGHTS_FILE, bytes);
    expect(verifyArtifact(leaking, altered, artifactChecksum(leaking))).toMatchObject({
      ok: false,
      error: {
        code: "ARTIFACT_MODEL_INVALID",
        message: expect.stringMatching(/another group and must be 0/),
      },
    });

    const [base, hour] = encoded.encoder!.groups as [EncoderGroup, EncoderGroup];
    const renamed = [base, { ...hour, name: "4h" }];
    for (const network of [plain, { ...encoded, encoder: { ...encoded.encoder!, groups: renamed } }]) {
      const other = edited(manifest, { network });
      expect(verifyArtifact(other, files, artifactChecksum(other))).toMatchObject({
        ok: false,
        error: { code: "ARTIFACT_MODEL_INVALID" },
      });
    }
  });

  it("A-01: every flipped byte and every truncation of a file is refused", () => {
    const { manifest, files, artifactSha256 } = build();
    for (const [name, bytes] of files) {
      for (let i = 0; i < bytes.length; i += 7) {
        const altered = bytes.slice();
        altered[i]! ^= 1;
        const result = verifyArtifact(manifest, new Map(files).set(name, altered), artifactSha256);
        expect(result).toMatchObject({ ok: false, error: { code: "ARTIFACT_FILE_MISMATCH" } });
      }
      const cut = new Map(files).set(name, bytes.subarray(0, bytes.length - 1));
      expect(verifyArtifact(manifest, cut, artifactSha256)).toMatchObject({
        ok: false,
        error: { code: "ARTIFACT_FILE_MISMATCH" },
      });
    }
    const missing = new Map(files);
    missing.delete(WEIGHTS_FILE);
    expect(verifyArtifact(manifest, missing, artifactSha256)).toMatchObject({
      ok: false,
      error: { code: "ARTIFACT_FILE_MISSING" },
    });
  });

  it("A-01: a swapped or edited manifest is refused by checksum", () => {
    const one = build(1);
    const two = build(2);
    expect(verifyArtifact(two.manifest, two.files, one.artifactSha256)).toMatchObject({
      ok: false,
      error: { code: "ARTIFACT_CHECKSUM_MISMATCH" },
    });
    const other = edited(one.manifest, { instrument: "PAXG-USDT" });
    expect(verifyArtifact(other, one.files, one.artifactSha256)).toMatchObject({ ok: false });
  });

  it("refuses golden outputs, kernels, schemas and environments that do not agree, even when re-hashed", () => {
    const { manifest, files } = build();
    const golden = structuredClone(manifest.golden);
    golden[3]!.value += 1e-7;
    const cases: Array<[Partial<ArtifactManifest>, string]> = [
      [{ golden }, "ARTIFACT_GOLDEN_MISMATCH"],
      [{ golden: [] }, "ARTIFACT_SCHEMA_INVALID"],
      [
        { golden: [{ observation: [1e300, 0, 0, 0], logits: [0, 0, 0], value: 0 }] },
        "ARTIFACT_GOLDEN_MISMATCH",
      ],
      [{ normaliser: null as never }, "ARTIFACT_SCHEMA_INVALID"],
      [{ kernelVersion: "dense-f32-simd128-0" }, "ARTIFACT_KERNEL_MISMATCH"],
      [{ environment: { episodeBars: 101 } }, "ARTIFACT_SCHEMA_INVALID"],
      [{ observationFields: ["a"] }, "ARTIFACT_SCHEMA_INVALID"],
      [{ network: { ...plain, hiddenSizes: [8, 9] } }, "ARTIFACT_MODEL_INVALID"],
      [{ formatVersion: 2 as 1 }, "ARTIFACT_SCHEMA_INVALID"],
    ];
    for (const [change, code] of cases) {
      const changed = edited(manifest, change);
      expect(verifyArtifact(changed, files, artifactChecksum(changed))).toMatchObject({
        ok: false,
        error: { code },
      });
    }
  });
});
