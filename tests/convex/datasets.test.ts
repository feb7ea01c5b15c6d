import { beforeEach, describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api";
import { sha256Hex } from "../../lib/core/sha256";
import { appendBars, bar, claim, datasetArgs, INSTRUMENT, SOURCE, T0, TF_MS } from "./seed";
import { type Desk, expectFailure, openDesk } from "./setup";

let desk: Desk;
let lease: Awaited<ReturnType<typeof claim>>["lease"];
const REQUEST = {
  instrument: INSTRUMENT,
  timeframe: "15m",
  source: SOURCE,
  sourceTimeframe: "15m",
  fromMs: T0,
  toMs: T0 + 10 * TF_MS,
  featureSetId: "core-v1",
} as const;
const request = (change: Partial<Record<keyof typeof REQUEST, string | number>> = {}) =>
  desk.operator.mutation(api.datasets.console.requestBuild, { ...REQUEST, ...change } as typeof REQUEST);
type Args = Awaited<ReturnType<typeof datasetArgs>>;
const record = (args: Args) => desk.service.mutation(api.datasets.worker.record, { ...lease, ...args });

beforeEach(async () => {
  desk = await openDesk();
  await appendBars(desk, [bar(0, 2_000), bar(1, 2_000)]);
  await request();
  ({ lease } = await claim(desk));
});

describe("recording", () => {
  test("A-02: a manifest that does not hash to its dataset's hash is refused and leaves nothing", async () => {
    const args = await datasetArgs(desk);
    const edited = { ...args.dataset, manifest: args.dataset.manifest.replace("200", "201") };
    await expectFailure(record({ ...args, dataset: edited }), "DATASET_HASH_MISMATCH", "manifest");
    const swapped = { ...args.dataset, datasetHash: sha256Hex("another") };
    await expectFailure(record({ ...args, dataset: swapped }), "DATASET_HASH_MISMATCH", "manifest");
    expect(await desk.viewer.query(api.datasets.console.list, {})).toEqual([]);
    expect(await desk.t.run((ctx) => ctx.db.query("featureSets").collect())).toEqual([]);
  });

  test("A-02: a record that says something else than its manifest is refused, field by field", async () => {
    const args = await datasetArgs(desk);
    const lie = (change: Partial<Args["dataset"]>) =>
      record({ ...args, dataset: { ...args.dataset, ...change } });
    await expectFailure(lie({ rows: 201 }), "INVALID_ARGUMENT", "rows");
    await expectFailure(lie({ fromMs: T0 - TF_MS }), "INVALID_ARGUMENT", "fromMs");
    await expectFailure(lie({ contentSha256: sha256Hex("other") }), "INVALID_ARGUMENT", "contentSha256");
    expect(await desk.viewer.query(api.datasets.console.list, {})).toEqual([]);
  });

  test("the same hash is the same row for ever: the second upload is dropped, the first kept", async () => {
    const first = await datasetArgs(desk);
    const id = await record(first);
    const before = await desk.viewer.query(api.datasets.console.get, { datasetId: id });
    const second = await datasetArgs(desk);
    expect(await record({ ...second, dataset: { ...second.dataset, rows: 1 } })).toBe(id);
    expect(await desk.viewer.query(api.datasets.console.get, { datasetId: id })).toEqual(before);
    const files = await desk.t.run((ctx) => ctx.db.system.query("_storage").collect());
    expect(files.map((file) => file._id)).toEqual([first.dataset.parquetStorageId]);
  });

  test("D-02: the same call repeated keeps the row and its file", async () => {
    const args = await datasetArgs(desk);
    const id = await record(args);
    expect(await record(args)).toBe(id);
    expect((await desk.service.query(api.datasets.worker.get, { datasetId: id })).url).toContain("http");
  });

  test("different manifests are different rows, and a worker finds each by its hash", async () => {
    const [one, two] = [await datasetArgs(desk, "one"), await datasetArgs(desk, "two")];
    const ids = [await record(one), await record(two)];
    expect(new Set(ids).size).toBe(2);
    const byHash = (datasetHash: string) =>
      desk.service.query(api.datasets.worker.getByHash, { datasetHash });
    expect(await byHash(two.dataset.datasetHash)).toMatchObject({ _id: ids[1] });
    expect(await byHash(sha256Hex("nobody"))).toBeNull();
    const stored = await desk.viewer.query(api.datasets.console.get, { datasetId: ids[0]! });
    expect(sha256Hex(stored.manifest)).toBe(stored.datasetHash);
    expect(await desk.t.run((ctx) => ctx.db.query("featureSets").collect())).toHaveLength(1);
  });
});

describe("requesting a build", () => {
  test("refuses an empty range and a range, source or timeframe without bars, before any work starts", async () => {
    const jobs = async () => (await desk.viewer.query(api.ops.console.listJobs, {})).length;
    const before = await jobs();
    await expectFailure(request({ toMs: T0 }), "INVALID_ARGUMENT", "fromMs");
    await expectFailure(request({ fromMs: T0 + 50 * TF_MS, toMs: T0 + 60 * TF_MS }), "NO_DATA", "source");
    await expectFailure(request({ source: "nowhere" }), "NO_DATA", "source");
    await expectFailure(request({ sourceTimeframe: "1m" }), "NO_DATA", "source");
    expect(await jobs()).toBe(before);
  });
});
