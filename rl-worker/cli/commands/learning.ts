/** Learning cycles, the learning policy, rollback and drift alerts from the command line. */
import { api } from "../../../convex/_generated/api";
import type { Id } from "../../../convex/_generated/dataModel";
import type { DriftAction } from "../../../lib/drift/policy";
import type { Timeframe } from "../../../lib/market/types";
import type { Algorithm } from "../../../lib/policy/algorithms";
import { systemClock } from "../../runtime/clock";
import { type Desk, waitForQuery } from "../../transport/desk";
import { setNumber } from "../arguments";
import { createProgress } from "../output";
import { CommandError, UsageError } from "../session";

type Cycle = (typeof api.learning.console.cycle)["_returnType"];

export interface Market {
  instrument: string;
  timeframe: Timeframe;
}

function summary(cycle: Cycle) {
  const iso = (timeMs: number) => new Date(timeMs).toISOString();
  return {
    cycleId: cycle._id,
    instrument: cycle.instrument,
    timeframe: cycle.timeframe,
    status: cycle.status,
    trigger: cycle.trigger,
    training: `${iso(cycle.trainFromMs)} to ${iso(cycle.trainToMs)}`,
    evaluation: `${iso(cycle.trainToMs)} to ${iso(cycle.evaluateToMs)}`,
    challenger: cycle.challengerName,
    challengerVersionId: cycle.challengerVersionId,
    champion: cycle.championName,
    shadowId: cycle.shadowId,
    failingGates: cycle.gates.filter(({ passed }) => !passed).map(({ sentence }) => sentence),
    foldDeltas: cycle.foldDeltas.map(({ sentence }) => sentence),
    evaluationDeltas: cycle.evaluationDeltas.map(({ sentence }) => sentence),
    reasons: cycle.reasons.map(({ step, sentence }) => `${step}: ${sentence}`),
  };
}

/** Starts a cycle and follows it until it ends or waits for live bars; Ctrl-C leaves it running. */
export async function learnNow(person: Desk, options: Market & { asOfMs?: number; detach: boolean }) {
  const { instrument, timeframe, asOfMs, detach } = options;
  const cycleId = await person.mutation(api.learning.console.start, { instrument, timeframe, asOfMs });
  process.stderr.write(`learning cycle ${cycleId}\n`);
  if (!detach) {
    const progress = createProgress(systemClock.monotonicMs);
    await waitForQuery(person, api.learning.console.cycle, { cycleId }, (cycle) => {
      progress.show(`${cycle.status}: ${cycle.reasons.at(-1)?.sentence ?? ""}`);
      return !cycle.isActive || cycle.status === "shadow";
    });
    progress.end();
  }
  return summary(await person.query(api.learning.console.cycle, { cycleId }));
}

/** One cycle with its shadow, or the newest cycles. */
export async function learnStatus(person: Desk, cycle: string | undefined, instrument: string | undefined) {
  if (cycle === undefined) {
    const cycles = await person.query(api.learning.console.cycles, { instrument });
    return {
      cycles: cycles.map((row) => ({
        cycleId: row._id,
        instrument: row.instrument,
        timeframe: row.timeframe,
        status: row.status,
        trigger: row.trigger,
        challenger: row.challengerName,
        reason: row.reasons.at(-1)?.sentence ?? "",
      })),
    };
  }
  const row = await person.query(api.learning.console.cycle, { cycleId: cycle as Id<"learningCycles"> });
  const { shadowId } = row;
  if (shadowId === undefined) return summary(row);
  const shadow = await person.query(api.shadows.console.get, { shadowId });
  const { status, sequence, mean, lower, upper, sentence } = shadow;
  return { ...summary(row), shadow: { status, bars: sequence.count, mean, lower, upper, sentence } };
}

export async function learnCancel(person: Desk, cycle: string) {
  const cycleId = cycle as Id<"learningCycles">;
  await person.mutation(api.learning.console.cancel, { cycleId });
  return summary(await person.query(api.learning.console.cycle, { cycleId }));
}

export interface PolicyChange {
  enabled?: boolean;
  drift?: "off" | "live" | "all";
  shadow?: boolean;
  probes?: boolean;
  source?: string;
  sourceTimeframe?: Timeframe;
  featureSetId?: string;
  algorithm?: Algorithm;
  seeds?: number[];
  hyperparameters?: Record<string, number>;
  onWarning?: DriftAction;
  onSevere?: DriftAction;
  numbers: Record<string, number>;
}

/** Shows the policy, or puts a changed one in force when something is to be changed. */
export async function learnPolicy(
  person: Desk,
  market: Market,
  change: PolicyChange,
  reason: string | undefined,
) {
  const { version, values } = await person.query(api.learning.console.policy, market);
  const { numbers, drift, shadow, onWarning, onSevere, ...plain } = change;
  const given = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
  const watched = drift === undefined ? {} : { enabled: drift !== "off", replays: drift === "all" };
  const driftGiven = Object.entries({ ...watched, onWarning, onSevere }).filter(
    ([, value]) => value !== undefined,
  );
  const isChanged =
    Object.keys(given).length + driftGiven.length + Object.keys(numbers).length > 0 || shadow !== undefined;
  if (!isChanged) return { ...market, version, ...values };
  if (reason === undefined) throw new UsageError('--reason "why" is needed; it is kept in the audit log');
  const next = { ...values, ...given };
  next.drift = { ...values.drift, ...Object.fromEntries(driftGiven) };
  if (shadow !== undefined) next.shadow = { ...values.shadow, enabled: shadow };
  for (const [name, value] of Object.entries(numbers)) setNumber(next, name, value, "assay learn policy");
  const set = await person.mutation(api.learning.console.setPolicy, { ...market, values: next, reason });
  return { ...market, version: set.version, ...next };
}

export async function rollbackChampion(person: Desk, instrument: string, reason: string) {
  const result = await person.mutation(api.governance.console.rollback, { instrument, reason });
  const champions = await person.query(api.governance.console.listChampions, {});
  const champion = champions.find((row) => row.instrument === instrument)?.versionName ?? null;
  return { instrument, champion, ...result };
}

/** Which active runs are watched, since when, and what would be done. */
export async function driftWatching(person: Desk) {
  const runs = await person.query(api.drift.console.watching, {});
  const iso = (timeMs: number) => new Date(timeMs).toISOString();
  return {
    runs: runs.map(({ sinceMs, checkedAtMs, ...row }) => ({
      ...row,
      since: iso(sinceMs),
      lastCheck: checkedAtMs === null ? null : iso(checkedAtMs),
    })),
  };
}

export async function driftAlerts(person: Desk, openOnly: boolean) {
  const alerts = await person.query(api.drift.console.alerts, { openOnly });
  return {
    alerts: alerts.map((row) => ({
      alertId: row._id,
      detectedAt: new Date(row.detectedAtMs).toISOString(),
      instrument: row.instrument,
      version: row.versionName,
      level: row.level,
      action: row.action,
      sentence: row.sentence,
      actionSentence: row.actionSentence,
      isOpen: row.isOpen,
    })),
  };
}

export async function acknowledgeAlert(person: Desk, alert: string, note: string | undefined) {
  const alertId = alert as Id<"driftAlerts">;
  await person.mutation(api.drift.console.acknowledge, { alertId, note });
  const row = (await person.query(api.drift.console.alerts, {})).find(({ _id }) => _id === alertId);
  if (row === undefined) throw new CommandError("The alert is acknowledged, and too old to be listed");
  return { alertId, isOpen: row.isOpen, acknowledgedBy: row.acknowledgedBy };
}

/** Shows how long the desk keeps its rows, or puts changed ages in force; with what the sweep has done so far. */
export async function retention(
  person: Desk,
  change: { enabled?: boolean; days: Record<string, number> },
  reason: string | undefined,
) {
  const { version, values } = await person.query(api.retention.console.policy, {});
  const iso = (timeMs: number) => new Date(timeMs).toISOString();
  const sweeps = (await person.query(api.retention.console.sweeps, {})).map(
    ({ settledToMs, atMs, ...row }) => ({ ...row, settledTo: iso(settledToMs), at: iso(atMs) }),
  );
  if (change.enabled === undefined && Object.keys(change.days).length === 0) {
    return { version, ...values, sweeps };
  }
  if (reason === undefined) throw new UsageError('--reason "why" is needed; it is kept in the audit log');
  const next = { ...values, enabled: change.enabled ?? values.enabled };
  for (const [name, value] of Object.entries(change.days)) setNumber(next, name, value, "assay retention");
  const set = await person.mutation(api.retention.console.setPolicy, { values: next, reason });
  return { version: set.version, ...next, sweeps };
}
