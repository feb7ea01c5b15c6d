/** W-05, W-06: every write of a worker carries its lease, and only the holder of that job's lease writes. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { LIMITS } from "../../lib/contract/limits";
import { loadCatalog, sample } from "./catalog";
import { advance, beginRun, type Driven, decide, play, submission } from "./runDriver";
import { bar, beginTraining, claim, datasetArgs, seedDataset, store, T0, trainingResult } from "./seed";
import { type Desk, failureCode, freezeDate, invoke, openDesk } from "./setup";

const catalog = await loadCatalog();
let desk: Desk;
let run: Driven;
let decisionId: Id<"decisions">;
beforeEach(async () => {
  freezeDate();
  desk = await openDesk();
  run = await beginRun(desk);
  ({ decisionId } = await play(run, bar(0, 2_000), 2));
});
afterEach(() => {
  vi.useRealTimers();
});

interface Lease {
  jobId: Id<"jobs">;
  leaseToken: number;
}

const { ops, datasets, agents, runs, execution, decisions } = api;
const PROGRESS = { stage: "s", done: 1, total: 2, unit: "bars", ratePerSecond: 1, etaSeconds: 1 };

/** Every function that takes a lease token. */
const guarded = catalog.filter(({ args }) => args.type === "object" && "leaseToken" in args.value);

/** Each of them called with `lease`: with arguments that would do something where there is a row here, else with samples. */
const WRITES: Record<string, (lease: Lease) => Promise<unknown>> = {
  ...Object.fromEntries(guarded.map(({ path }) => [path, withSampleArgs(path)])),
  "ops/worker:renew": (lease) => desk.service.mutation(ops.worker.renew, lease),
  "ops/worker:progress": (lease) =>
    desk.service.mutation(ops.worker.progress, { ...lease, progress: PROGRESS }),
  "ops/worker:checkpoint": async (lease) =>
    desk.service.mutation(ops.worker.checkpoint, { ...lease, storageId: await store(desk, "c") }),
  "ops/worker:finish": (lease) =>
    desk.service.mutation(ops.worker.finish, { ...lease, outcome: { status: "succeeded" } }),
  "ops/worker:handBack": (lease) => desk.service.mutation(ops.worker.handBack, lease),
  "datasets/worker:record": async (lease) =>
    desk.service.mutation(datasets.worker.record, { ...lease, ...(await datasetArgs(desk, "other")) }),
  "agents/worker:markTraining": (lease) =>
    desk.service.mutation(agents.worker.markTraining, { ...lease, versionId: run.versionId }),
  "agents/worker:appendTrainingPoints": (lease) =>
    desk.service.mutation(agents.worker.appendTrainingPoints, {
      ...lease,
      versionId: run.versionId,
      points: [],
    }),
  "agents/worker:complete": async (lease) => {
    const result = await trainingResult(desk, run.datasetHash, 8);
    return desk.service.mutation(agents.worker.complete, { ...lease, versionId: run.versionId, result });
  },
  "agents/worker:abandon": (lease) =>
    desk.service.mutation(agents.worker.abandon, {
      ...lease,
      versionId: run.versionId,
      status: "failed",
      reason: "diverged",
    }),
  "runs/worker:begin": (lease) =>
    desk.service.mutation(runs.worker.begin, {
      ...lease,
      runId: run.runId,
      featuresFromMs: T0,
      accountFromMs: T0,
    }),
  "runs/worker:end": (lease) =>
    desk.service.mutation(runs.worker.end, { ...lease, runId: run.runId, status: "finished" }),
  "execution/worker:advance": (lease) =>
    desk.service.mutation(execution.worker.advance, { ...lease, runId: run.runId, bar: bar(1, 2_000) }),
  "decisions/worker:submit": (lease) =>
    desk.service.mutation(decisions.worker.submit, {
      ...lease,
      runId: run.runId,
      submission: submission(run, bar(0, 2_000), 2),
    }),
  "decisions/worker:saveReplay": ({ jobId, leaseToken }) => {
    const replay = { decisionId, jobId, identical: true, differences: [], checks: ["bars"] };
    return desk.service.mutation(decisions.worker.saveReplay, { leaseToken, ...replay });
  },
  "evaluations/worker:record": async ({ jobId, leaseToken }) => {
    const entry = catalog.find(({ path }) => path === "evaluations/worker:record")!;
    const args = sample(entry.args) as { evaluation: object };
    const evaluation = { ...args.evaluation, jobId };
    return invoke(desk.service, "mutation", entry.reference, { ...args, evaluation, leaseToken });
  },
};

/** A call with arguments made from the function's own validators and this lease. */
function withSampleArgs(path: string) {
  return (lease: Lease) => {
    const entry = catalog.find((row) => row.path === path)!;
    const args = { ...(sample(entry.args) as object), ...lease };
    return invoke(desk.service, "mutation", entry.reference, args);
  };
}

/** Every table, so that "nothing was written" means nothing. */
const everything = () =>
  desk.t.run(async (ctx) => ({
    jobs: await ctx.db.query("jobs").collect(),
    versions: await ctx.db.query("agentVersions").collect(),
    points: await ctx.db.query("trainingPoints").collect(),
    datasets: await ctx.db.query("datasets").collect(),
    runs: await ctx.db.query("runs").collect(),
    accounts: await ctx.db.query("accounts").collect(),
    orders: await ctx.db.query("orders").collect(),
    decisions: await ctx.db.query("decisions").collect(),
    replays: await ctx.db.query("replays").collect(),
    audit: await ctx.db.query("auditEntries").collect(),
  }));

test("the lease guards what a worker writes: jobs, runs, decisions, datasets, trainings, walk-forwards and shadows", () => {
  const domains = new Set(guarded.map(({ path }) => path.split("/")[0]));
  for (const domain of [
    "ops",
    "runs",
    "decisions",
    "execution",
    "datasets",
    "agents",
    "walkForwards",
    "shadows",
  ]) {
    expect(domains).toContain(domain);
  }
  for (const path of Object.keys(WRITES)) expect(guarded.map((entry) => entry.path)).toContain(path);
});

describe("a stale lease", () => {
  test.each(Object.keys(WRITES))(
    "W-06: %s is refused with the token of before, and writes nothing",
    async (name) => {
      vi.setSystemTime(Date.now() + LIMITS.leaseTtlMs + 1);
      const taken = await claim(desk);
      expect(taken.lease).toEqual({ ...run.lease, leaseToken: run.lease.leaseToken + 1 });
      const before = await everything();
      expect(await failureCode(WRITES[name]!(run.lease))).toBe("LEASE_LOST");
      expect(await everything()).toEqual(before);
    },
  );

  test("W-05: after the finish of its job a token is worth nothing", async () => {
    await WRITES["ops/worker:finish"]!(run.lease);
    expect(await failureCode(advance(run, bar(1, 2_000)))).toBe("LEASE_LOST");
    expect(await failureCode(decide(run, bar(0, 2_000), 2))).toBe("LEASE_LOST");
  });
});

describe("a lease of another job", () => {
  const owned = Object.keys(WRITES).filter((path) => !path.startsWith("ops/") && !path.endsWith(":record"));
  test.each(owned)("W-05: %s is refused with a valid lease of another job", async (path) => {
    const datasetId = await seedDataset(desk, "for another training");
    const other = await beginTraining(desk, datasetId, 99);
    const before = await everything();
    expect(await failureCode(WRITES[path]!(other.lease))).toBe("LEASE_LOST");
    expect(await everything()).toEqual(before);
  });
});
