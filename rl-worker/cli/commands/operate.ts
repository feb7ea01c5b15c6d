/** `assay run`, `replay`, `kill`: operating the desk. */
import type { FunctionReturnType } from "convex/server";
import { api } from "../../../convex/_generated/api";
import type { Id } from "../../../convex/_generated/dataModel";
import type { Timeframe } from "../../../lib/market/types";
import { systemClock } from "../../runtime/clock";
import { messageOf } from "../../runtime/log";
import type { Desk } from "../../transport/desk";
import { waitForQuery } from "../../transport/desk";
import { onInterrupt, waitForJob } from "../jobs";
import { createProgress } from "../output";
import { CommandError, UsageError } from "../session";
import { finestSource } from "./learn";

export interface RunStartOptions {
  instrument: string;
  mode: string;
  feed: string;
  source?: string;
  fromMs?: number;
  toMs?: number;
  speed: string;
  version?: string;
  balanceUsd: number;
  detach: boolean;
}

const ENDED = new Set(["finished", "stopped", "failed"]);

export async function startRun(person: Desk, options: RunStartOptions) {
  const { instrument, feed } = options;
  if (options.mode !== "paper") throw new UsageError(`--mode "${options.mode}" is not available; use paper`);
  if (feed !== "replay" && feed !== "live")
    throw new UsageError(`--feed "${feed}" is not known; use replay or live`);
  if (feed === "replay" && (options.fromMs === undefined || options.toMs === undefined)) {
    throw new UsageError("--feed replay needs --from and --to, e.g. --from 2025-07-01 --to 2025-07-15");
  }
  const source = options.source ?? (feed === "replay" ? "file" : "simulated");
  const sourceTimeframe: Timeframe =
    feed === "live"
      ? "1m"
      : await finestSource(person, instrument, source, await timeframeOf(person, options));
  const { runId } = await person.mutation(api.runs.console.start, {
    instrument,
    feed,
    source,
    sourceTimeframe,
    fromMs: options.fromMs,
    toMs: options.toMs,
    speed: parseSpeed(options.speed),
    versionId: options.version as Id<"agentVersions"> | undefined,
    initialBalanceUsd: options.balanceUsd,
  });
  process.stderr.write(`run ${runId}\n`);
  if (options.detach || feed === "live") return runStatus(person, runId);
  await followRun(person, runId);
  return runStatus(person, runId);
}

/** 0 means as fast as possible. */
function parseSpeed(text: string): number {
  if (text === "max") return 0;
  const speed = Number(text);
  if (!Number.isFinite(speed) || speed <= 0)
    throw new UsageError(`--speed "${text}" must be max or a number above 0 (simulated seconds per second)`);
  return speed;
}

/** The timeframe of the version that would run: the named one, else champion, else newest candidate. */
async function timeframeOf(person: Desk, { version, instrument }: RunStartOptions): Promise<Timeframe> {
  const versions = await person.query(api.agents.console.list, {});
  const chosen =
    version === undefined
      ? (versions.find((row) => row.instrument === instrument && row.status === "champion") ??
        versions.find((row) => row.instrument === instrument && row.status === "candidate"))
      : versions.find((row) => row._id === version);
  if (chosen === undefined)
    throw new CommandError(`No trained version for ${instrument}; train one with: assay train`);
  return chosen.timeframe;
}

async function followRun(person: Desk, runId: Id<"runs">): Promise<void> {
  const progress = createProgress(systemClock.monotonicMs);
  const release = onInterrupt(() => {
    process.stderr.write("\nStopping the run ...\n");
    person
      .mutation(api.runs.console.stop, { runId })
      .catch((error) => process.stderr.write(`${messageOf(error)}\n`));
  });
  let totalBars: number | undefined;
  const unwatch = person.onUpdate(api.runs.console.get, { runId }, (run) => {
    totalBars = run.totalBars;
  });
  try {
    await waitForQuery(person, api.runs.console.progress, { runId }, (run) => {
      const total = totalBars === undefined ? "" : ` / ${totalBars}`;
      progress.show(
        `${run.status}: bar ${run.bars}${total}, ${run.decisions} decisions, ${run.fills} fills, equity ${run.equityUsd.toFixed(2)} USD`,
      );
      return ENDED.has(run.status);
    });
  } finally {
    unwatch();
    release();
    progress.end();
  }
}

type RunRow = FunctionReturnType<typeof api.runs.console.get>;

/** How far a run is: its own final figures once it has ended, else as of now. */
export async function runProgress(person: Desk, run: RunRow) {
  return run.progress ?? person.query(api.runs.console.progress, { runId: run._id });
}

export async function runStatus(person: Desk, runId: Id<"runs">) {
  const run = await person.query(api.runs.console.get, { runId });
  const { bars, decisions, holds, fills, equityUsd, lastDecisionId } = await runProgress(person, run);
  const untilMs = run.finishedAtMs ?? systemClock.nowMs();
  return {
    runId,
    status: run.status,
    bars,
    decisions,
    holds,
    fills,
    netPnlUsd: equityUsd - run.initialBalanceUsd,
    lastDecisionId,
    version: run.versionName,
    error: run.error,
    seconds: run.startedAtMs === undefined ? 0 : (untilMs - run.startedAtMs) / 1000,
  };
}

export async function controlRun(person: Desk, act: "stop" | "pause" | "resume", run: string) {
  const runId = run as Id<"runs">;
  await person.mutation(api.runs.console[act], { runId });
  return runStatus(person, runId);
}

export async function replayDecision(person: Desk, decision: string) {
  const decisionId = decision as Id<"decisions">;
  const jobId = await person.mutation(api.decisions.console.requestReplay, { decisionId });
  const end = await waitForJob(person, jobId);
  if (end.status !== "succeeded")
    throw new CommandError(`The replay did not finish: ${end.error?.message ?? end.status}`);
  const replay = await person.query(api.decisions.console.latestReplay, { decisionId });
  if (replay === null) throw new CommandError("The replay left no result");
  const { identical, differences, refused, checks } = replay;
  return { identical, differences, refused, checks };
}

export async function setKillSwitch(person: Desk, mode: string, reason: string | undefined) {
  if (reason === undefined) throw new UsageError('--reason "why" is needed; it is kept in the audit log');
  if (mode === "arm")
    return { mode: "armed", ...(await person.mutation(api.governance.console.arm, { reason })) };
  if (mode !== "noNewRisk" && mode !== "cancelAll" && mode !== "flatten") {
    throw new UsageError(`"${mode}" is not a mode; use noNewRisk, cancelAll, flatten or arm`);
  }
  return { mode, ...(await person.mutation(api.governance.console.engage, { mode, reason })) };
}
