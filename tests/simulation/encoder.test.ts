/** Models with an encoder per timeframe (S1-15) through the real command, desk and worker. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { readSigningKey } from "../../rl-worker/config";
import { connectDesk } from "../../rl-worker/transport/desk";
import {
  assay,
  type RunningUp,
  startUp,
  syntheticCsvLines,
  temporaryFolder,
  writeCsv,
} from "../support/assay";

const DAY_MS = 86_400_000;
const folder = temporaryFolder();
const data = join(folder.path, "desk");
const lines = syntheticCsvLines(80 * 1440, 23);
const startMs = Math.ceil(Number(lines[0]!.split(",")[0]) / DAY_MS) * DAY_MS;
const day = (n: number) => new Date(startMs + n * DAY_MS).toISOString().slice(0, 10);
const INSTRUMENT = ["--instrument", "XAUT-USDT"];
const startDesk = (folderPath: string) =>
  startUp(["--no-console", "--no-exchange", "--backend-port", "0", "--data", folderPath]);
let desk: RunningUp;
let datasetId: string;

/** The same bars and the same dataset of them on any desk. */
async function buildDataset(deskFolder: string): Promise<string> {
  const file = writeCsv(join(folder.path, "bars.csv"), lines);
  await assay(deskFolder, "import", file, ...INSTRUMENT, "--timeframe", "1m");
  const build = [...INSTRUMENT, "--timeframe", "15m", "--features", "core-v2", "--json"];
  const built = await assay(deskFolder, "dataset", "build", ...build, "--from", day(15), "--to", day(77));
  return built.result!.datasetId as string;
}

beforeAll(async () => {
  desk = await startDesk(data);
  datasetId = await buildDataset(data);
});
afterAll(async () => {
  await desk?.stop();
  folder.remove();
});

const ENCODER = ["--set", "encoder.units=4", "encoder.fusionUnits=5"];
let encodedVersionId: string;

test("S1-15: a model with an encoder per timeframe runs, and every kind of its decisions replays to the bit", async () => {
  const train = ["--dataset", datasetId, "--steps", "8192", ...ENCODER, "--json"];
  encodedVersionId = (await assay(data, "train", ...train)).result!.versionId as string;
  const days = ["--from", day(77), "--to", day(79)];
  const run = await assay(
    data,
    "run",
    "start",
    ...INSTRUMENT,
    ...days,
    "--version",
    encodedVersionId,
    "--json",
  );
  expect(run.result).toMatchObject({ status: "finished", decisions: 192 });
  const person = connectDesk({
    convexUrl: /Backend\s+(http\S+)/.exec(desk.output())![1]!,
    key: readSigningKey(join(data, "keys", "signing.json")),
    issuer: "https://assay.local",
    subject: "local:cli",
  });
  const page = await person.query(api.decisions.console.list, {
    runId: run.result!.runId as Id<"runs">,
    paginationOpts: { numItems: 192, cursor: null },
  });
  const orders = page.page.filter(({ outcome }) => outcome === "order");
  const holds = page.page.filter(({ outcome }) => outcome === "hold");
  expect(orders.length).toBeGreaterThan(0);
  const first = await person.query(api.decisions.console.get, { decisionId: orders[0]!._id });
  expect(first.provenance.versionId).toBe(encodedVersionId);
  expect(first.logits).toHaveLength(first.probabilities.length);
  await person.close();
  for (const { _id } of [orders[0]!, orders.at(-1)!, ...holds.slice(0, 1)]) {
    const replay = await assay(data, "replay", _id, "--json");
    expect(replay.result).toMatchObject({ identical: true, differences: [] });
  }
});

test("S1-15: a model with an encoder is exported, verified and imported by another desk as the same model", async () => {
  const model = join(folder.path, "model");
  const exported = await assay(data, "model", "export", encodedVersionId, "--to", model, "--json");
  expect(exported.result).toMatchObject({ versionId: encodedVersionId });
  const manifest = JSON.parse(readFileSync(join(model, "manifest.json"), "utf8"));
  expect(manifest.network.encoder).toMatchObject({ units: 4, fusionUnits: 5 });
  const { artifactSha256 } = exported.result!;
  const whole = { ok: true, artifactSha256 };
  expect((await assay(data, "model", "verify", model, "--json")).result).toMatchObject(whole);
  const elsewhere = join(folder.path, "other");
  const other = await startDesk(elsewhere);
  try {
    await buildDataset(elsewhere);
    const imported = await assay(elsewhere, "model", "import", model, "--json");
    expect(imported.result).toMatchObject({ artifactSha256, status: "candidate" });
    const versionId = imported.result!.versionId as string;
    expect((await assay(elsewhere, "model", "verify", versionId, "--json")).result).toMatchObject(whole);
  } finally {
    await other.stop();
  }
});

test("S1-15: a search draws the encoder's units from a range, and they decide what is trained", async () => {
  const numbers = [
    "--configurations",
    "2",
    "--steps",
    "2048",
    "--rungs",
    "1",
    "--folds",
    "1",
    "--seeds",
    "1",
  ];
  const range = ["--range", "encoder.units=integer:2:9", "--set", "encoder.fusionUnits=5"];
  const searched = await assay(
    data,
    "search",
    "start",
    "--dataset",
    datasetId,
    ...range,
    ...numbers,
    "--json",
  );
  expect(searched.result, searched.stderr).toMatchObject({ status: "finished", error: null });
  const trials = searched.result!.trials as {
    status: string;
    hyperparameters: Record<string, number>;
    netPnlUsd: number;
  }[];
  expect(trials.map(({ status }) => status)).toEqual(["finished", "finished"]);
  const units = trials.map(({ hyperparameters }) => hyperparameters["encoder.units"]!);
  expect(units.every((drawn) => Number.isInteger(drawn) && drawn >= 2 && drawn <= 9)).toBe(true);
  expect(new Set(units).size).toBe(2);
  // Nothing but the units differs between the two.
  expect(trials[0]!.netPnlUsd).not.toBe(trials[1]!.netPnlUsd);
});
