/** Models as folders: `manifest.json` beside the tfjs files that it hashes. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { api } from "../../../convex/_generated/api";
import type { Id } from "../../../convex/_generated/dataModel";
import { canonicalJson } from "../../../lib/core/canonicalJson";
import { type LoadedPolicy, verifyArtifact } from "../../../lib/policy/artifact";
import { MODEL_FILE, WEIGHTS_FILE } from "../../../lib/policy/layersModel";
import type { ArtifactManifest } from "../../../lib/policy/types";
import { ArtifactRefusedError, loadVersion } from "../../jobs/artifact";
import { messageOf } from "../../runtime/log";
import { type Desk, downloadVerified, HashMismatchError, uploadBytes } from "../../transport/desk";
import { CommandError, type Session } from "../session";

const MANIFEST_FILE = "manifest.json";
const CHECKSUM_FILE = "artifact.sha256";
/** How many trials the desk had counted: where the model goes, its Sharpe is deflated by them too. */
const LEDGER_FILE = "ledger.json";

/** Writes a verified version; a model that does not verify is not written. */
export async function exportModel({ person, service }: Session, version: string, to: string) {
  const versionId = version as Id<"agentVersions">;
  const { instrument } = (await loadVersion(service, versionId)).manifest;
  const ledger = await person.query(api.evaluations.console.ledger, { instrument });
  const stored = await service.query(api.agents.worker.artifact, { versionId });
  if (existsSync(to) && readdirSync(to).length > 0) {
    throw new CommandError(`${to} is not empty; name a new folder so that nothing is overwritten`);
  }
  mkdirSync(to, { recursive: true });
  for (const { name, url, sha256 } of stored.files) {
    writeFileSync(join(to, name), await downloadVerified(url, sha256, `artifact file ${name}`));
  }
  writeFileSync(join(to, MANIFEST_FILE), stored.manifest);
  writeFileSync(join(to, CHECKSUM_FILE), `${stored.artifactSha256}\n`);
  writeFileSync(join(to, LEDGER_FILE), `${JSON.stringify(ledger)}\n`);
  const { artifactSha256 } = stored;
  return { versionId, artifactSha256, trials: ledger.trials, folder: to, files: readdirSync(to).sort() };
}

interface ModelFolder {
  manifestText: string;
  artifactSha256: string;
  files: Map<string, Uint8Array>;
}

const LEDGER = z.object({ deskId: z.string().min(1), trials: z.number().int().min(1) });

function read(dir: string, name: string): Buffer {
  const path = join(dir, name);
  if (!existsSync(path)) throw new CommandError(`${path} is missing; export the model again`);
  return readFileSync(path);
}

/** Apart from the model: it is as whole without it, but another desk could not deflate its Sharpe. */
function readLedger(dir: string): z.infer<typeof LEDGER> {
  try {
    return LEDGER.parse(JSON.parse(read(dir, LEDGER_FILE).toString("utf8")));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(
      `${LEDGER_FILE} does not say how many trials were counted; export the model again`,
    );
  }
}

function readFolder(dir: string): ModelFolder {
  return {
    files: new Map([MODEL_FILE, WEIGHTS_FILE].map((name) => [name, new Uint8Array(read(dir, name))])),
    manifestText: read(dir, MANIFEST_FILE).toString("utf8"),
    artifactSha256: read(dir, CHECKSUM_FILE).toString("utf8").trim(),
  };
}

/** Everything a load checks, on files that are here; throws with what does not match. */
function verifyFolder(dir: string): ModelFolder & { loaded: LoadedPolicy } {
  const folder = readFolder(dir);
  let manifest: ArtifactManifest;
  try {
    manifest = JSON.parse(folder.manifestText) as ArtifactManifest;
  } catch (error) {
    throw new ArtifactRefusedError(`${MANIFEST_FILE} is not JSON: ${messageOf(error)}`);
  }
  const loaded = verifyArtifact(manifest, folder.files, folder.artifactSha256);
  if (!loaded.ok) throw new ArtifactRefusedError(`The model is refused: ${loaded.error.message}`);
  // Written with other spaces it would hash differently on the server.
  return { ...folder, manifestText: canonicalJson(manifest), loaded: loaded.value };
}

/** Verifies, uploads and registers; nothing is stored when it does not verify. */
export async function importModel({ person, service }: Session, dir: string, name?: string) {
  const { manifestText, artifactSha256, files, loaded } = verifyFolder(dir);
  const ledger = readLedger(dir);
  const stored = [];
  for (const [file, bytes] of files) {
    const { sha256 } = loaded.manifest.files[file]!;
    const storageId = (await uploadBytes(service, bytes, "application/octet-stream")) as Id<"_storage">;
    stored.push({ name: file, storageId, sha256, bytes: bytes.length });
  }
  const model = { manifest: manifestText, artifactSha256, files: stored, name, ledger };
  const { versionId, isNew } = await person.mutation(api.agents.console.importModel, { model });
  const version = await person.query(api.agents.console.get, { versionId });
  const registered = isNew ? "now" : "before, by its artifact; nothing was changed";
  return { versionId, name: version.name, artifactSha256, status: version.status, registered };
}

/** `what` is a folder or a version id; the reason says what does not match. */
export async function verifyModel(service: Desk, what: string) {
  const isFolder = existsSync(what) && statSync(what).isDirectory();
  try {
    const { manifest, artifactSha256 } = isFolder
      ? verifyFolder(what).loaded
      : await loadVersion(service, what as Id<"agentVersions">);
    const { algorithm, instrument, timeframe, seed, kernelVersion, trainedWithKernel, golden } = manifest;
    return {
      ok: true,
      artifactSha256,
      ...{ algorithm, instrument, timeframe, seed, kernelVersion, trainedWithKernel },
      goldenVectors: golden.length,
    };
  } catch (error) {
    const isRefusal =
      error instanceof ArtifactRefusedError ||
      error instanceof HashMismatchError ||
      error instanceof CommandError;
    if (!isRefusal) throw error;
    return { ok: false, reason: error.message };
  }
}
