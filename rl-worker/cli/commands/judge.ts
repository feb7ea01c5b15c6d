/** Walk-forwards, searches and the promotion policy from the command line. */
import type { FunctionArgs } from "convex/server";
import { api } from "../../../convex/_generated/api";
import type { Id } from "../../../convex/_generated/dataModel";
import { systemClock } from "../../runtime/clock";
import type { Desk } from "../../transport/desk";
import { setNumber } from "../arguments";
import { onInterrupt } from "../jobs";
import { createProgress } from "../output";
import { finished } from "./learn";

type Plan = FunctionArgs<typeof api.walkForwards.console.requestForVersion>["plan"];
type Algorithm = FunctionArgs<typeof api.walkForwards.console.requestForDataset>["algorithm"];

export interface WalkForwardOptions {
  version?: string;
  dataset?: string;
  resume?: string;
  algorithm: Algorithm;
  steps: number;
  hyperparameters: Record<string, number>;
  plan: Plan;
}

function requested(person: Desk, options: WalkForwardOptions) {
  const { version, dataset, resume, algorithm, steps, hyperparameters, plan } = options;
  const { console: desk } = api.walkForwards;
  if (resume !== undefined)
    return person.mutation(desk.resume, { walkForwardId: resume as Id<"walkForwards"> });
  if (version !== undefined) {
    return person.mutation(desk.requestForVersion, { versionId: version as Id<"agentVersions">, plan });
  }
  const datasetId = dataset as Id<"datasets">;
  return person.mutation(desk.requestForDataset, { datasetId, algorithm, steps, hyperparameters, plan });
}

/** Runs one to its end and prints what it says, gates included. */
export async function walkForward(person: Desk, options: WalkForwardOptions) {
  const startedAtMs = systemClock.monotonicMs();
  const { walkForwardId, jobId } = await requested(person, options);
  process.stderr.write(`walk-forward ${walkForwardId}\n`);
  await finished(person, jobId, `walk-forward (go on with: assay walk-forward --resume ${walkForwardId})`);
  const report = await person.query(api.walkForwards.console.get, { walkForwardId });
  return {
    walkForwardId,
    datasetHash: report.datasetHash,
    recipeHash: report.recipeHash,
    environmentHash: report.environmentHash ?? null,
    purgeRows: report.purgeRows ?? null,
    embargoRows: report.embargoRows ?? null,
    kernels: report.kernels ?? [],
    kernelSentence: report.kernelSentence,
    ...report.summary!,
    probes: report.probes,
    ledger: report.ledger,
    gates: report.gates,
    seconds: (systemClock.monotonicMs() - startedAtMs) / 1000,
  };
}

type SearchRequest = Omit<FunctionArgs<typeof api.searches.console.request>, "datasetId">;
type SearchState = (typeof api.searches.console.get)["_returnType"];

const summaryOf = ({ status, rung, ladder, best, error, trials }: SearchState) => ({
  status,
  rung,
  ladder,
  best: best ?? null,
  error: error ?? null,
  trials: trials.map(({ rung: at, index, status: state, hyperparameters, sharpePerDay, netPnlUsd }) => ({
    ...{ rung: at, index, status: state, hyperparameters },
    sharpePerDay: sharpePerDay ?? null,
    netPnlUsd: netPnlUsd ?? null,
  })),
});

/** Starts a search and follows it; Ctrl-C cancels what is left of it. */
export async function search(person: Desk, dataset: string, request: SearchRequest) {
  const datasetId = dataset as Id<"datasets">;
  return follow(person, await person.mutation(api.searches.console.request, { datasetId, ...request }));
}

/** Goes on with a cancelled search and follows it. */
export async function resumeSearch(person: Desk, id: string) {
  const searchId = id as Id<"searches">;
  await person.mutation(api.searches.console.resume, { searchId });
  return follow(person, searchId);
}

async function follow(person: Desk, searchId: Id<"searches">) {
  const startedAtMs = systemClock.monotonicMs();
  process.stderr.write(`search ${searchId}\n`);
  const progress = createProgress(systemClock.monotonicMs);
  const release = onInterrupt(() => {
    process.stderr.write(`\nCancelling the search; to go on: assay search resume ${searchId}\n`);
    person.mutation(api.searches.console.cancel, { searchId }).catch(() => undefined);
  });
  try {
    const state = await new Promise<SearchState>((resolve, reject) => {
      const unsubscribe = person.onUpdate(
        api.searches.console.get,
        { searchId },
        (search) => {
          const ended = search.trials.filter((trial) => trial.status !== "running").length;
          const total = search.ladder.reduce((sum, rung) => sum + rung.configurations, 0);
          progress.show(`rung ${search.rung + 1} of ${search.ladder.length}: ${ended} of ${total} trials`);
          if (search.status === "running") return;
          queueMicrotask(() => unsubscribe());
          resolve(search);
        },
        reject,
      );
    });
    return { searchId, ...summaryOf(state), seconds: (systemClock.monotonicMs() - startedAtMs) / 1000 };
  } finally {
    release();
    progress.end();
  }
}

export async function searchStatus(person: Desk, id: string) {
  const searchId = id as Id<"searches">;
  return { searchId, ...summaryOf(await person.query(api.searches.console.get, { searchId })) };
}

export async function showGates(person: Desk) {
  const { id, version, values } = await person.query(api.governance.console.gatePolicy, {});
  return { policy: id, version, ...values };
}

/** Changes numbers of the policy by name, `walkForward.maxPbo=0.3` for those of the walk-forward. */
export async function setGates(person: Desk, changes: Record<string, number>, reason: string) {
  const { values } = await person.query(api.governance.console.gatePolicy, {});
  for (const [name, value] of Object.entries(changes)) setNumber(values, name, value, "assay gates show");
  const { version } = await person.mutation(api.governance.console.setGatePolicy, { values, reason });
  return { version, ...values };
}
