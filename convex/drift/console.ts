/** Drift for people: levels, alerts with what was done, and the heat map of features by day. */
import { v } from "convex/values";
import { LIMITS } from "../../lib/contract/limits";
import { operatorMutation, viewerQuery } from "../builders";
import { vDriftAction } from "../learning/schema";
import { activeRuns } from "../runs/model";
import { vTimeframe } from "../validators";
import { acknowledge as acknowledgeAlert, driftPolicyOf, stateOf, watchedSince } from "./model";
import { alertFields, reportFields, stateFields, vDriftLevel } from "./schema";

const REPORTS_PER_VIEW = 500;
const DAY_MS = 86_400_000;
const vAlert = v.object({ ...alertFields, _id: v.id("driftAlerts"), versionName: v.string() });

/** Newest first; the open ones alone, or all. */
export const alerts = viewerQuery({
  args: { openOnly: v.optional(v.boolean()) },
  returns: v.array(vAlert),
  handler: async (ctx, { openOnly }) => {
    const rows = openOnly
      ? await ctx.db
          .query("driftAlerts")
          .withIndex("by_open", (q) => q.eq("isOpen", true))
          .order("desc")
          .take(LIMITS.pageSize)
      : await ctx.db.query("driftAlerts").withIndex("by_detectedAt").order("desc").take(LIMITS.pageSize);
    const views = [];
    for (const { _creationTime, ...fields } of rows) {
      views.push({ ...fields, versionName: (await ctx.db.get(fields.versionId))?.name ?? "unknown" });
    }
    return views;
  },
});

export const acknowledge = operatorMutation({
  args: { alertId: v.id("driftAlerts"), note: v.optional(v.string()) },
  returns: v.null(),
  handler: async (ctx, { alertId, note }) => {
    await acknowledgeAlert(ctx, alertId, note, ctx.actor.tokenIdentifier);
    return null;
  },
});

/** Which of the active runs are watched, since when, what would be done, and how they stand. */
export const watching = viewerQuery({
  args: {},
  returns: v.array(
    v.object({
      runId: v.id("runs"),
      name: v.string(),
      instrument: v.string(),
      timeframe: vTimeframe,
      feed: v.union(v.literal("live"), v.literal("replay")),
      isOn: v.boolean(),
      sinceMs: v.number(),
      onWarning: vDriftAction,
      onSevere: vDriftAction,
      /** Null before the first check of the run's present model. */
      level: v.union(v.null(), vDriftLevel),
      checkedAtMs: v.union(v.null(), v.number()),
    }),
  ),
  handler: async (ctx) => {
    const rows = [];
    for (const run of await activeRuns(ctx)) {
      const { enabled: isOn, onWarning, onSevere } = await driftPolicyOf(ctx, run);
      const standing = await stateOf(ctx, run._id);
      const isOfModel = standing !== null && standing.versionId === run.versionId;
      const { name, instrument, timeframe, feed } = run;
      rows.push({
        ...{ runId: run._id, name, instrument, timeframe, feed },
        ...{ isOn, sinceMs: await watchedSince(ctx, run), onWarning, onSevere },
        level: isOfModel ? standing.level : null,
        checkedAtMs: isOfModel ? standing.atMs : null,
      });
    }
    return rows;
  },
});

/** How a run stands, or null before its first check. */
export const state = viewerQuery({
  args: { runId: v.id("runs") },
  returns: v.union(v.null(), v.object(stateFields)),
  handler: async (ctx, { runId }) => {
    const row = await stateOf(ctx, runId);
    if (row === null) return null;
    const { _id, _creationTime, ...fields } = row;
    return fields;
  },
});

const { features: _features, ...checkFields } = reportFields;

/** The newest checks of a run, newest first, without their features. */
export const checks = viewerQuery({
  args: { runId: v.id("runs") },
  returns: v.array(v.object(checkFields)),
  handler: async (ctx, { runId }) => {
    const rows = await ctx.db
      .query("driftReports")
      .withIndex("by_run_and_bar", (q) => q.eq("runId", runId))
      .order("desc")
      .take(LIMITS.pageSize);
    return rows.map(({ _id, _creationTime, features: _rows, ...fields }) => fields);
  },
});

/**
 * PSI by feature and day (UTC) over the newest 500 checks of an instrument: the largest of the day, and whether the
 * feature counted as drifted in any of its checks. Rows are features, columns are `dayMs`; null where there was none.
 */
export const heatMap = viewerQuery({
  args: { instrument: v.string() },
  returns: v.object({
    dayMs: v.array(v.number()),
    features: v.array(
      v.object({
        name: v.string(),
        psi: v.array(v.union(v.null(), v.number())),
        drifted: v.array(v.boolean()),
      }),
    ),
  }),
  handler: async (ctx, { instrument }) => {
    const rows = await ctx.db
      .query("driftReports")
      .withIndex("by_instrument_and_bar", (q) => q.eq("instrument", instrument))
      .order("desc")
      .take(REPORTS_PER_VIEW);
    const dayOf = (timeMs: number) => Math.floor(timeMs / DAY_MS) * DAY_MS;
    const dayMs = [...new Set(rows.map((row) => dayOf(row.barOpenTimeMs)))].sort((a, b) => a - b);
    const byName = new Map<string, { psi: (number | null)[]; drifted: boolean[] }>();
    for (const { barOpenTimeMs, features } of rows) {
      const column = dayMs.indexOf(dayOf(barOpenTimeMs));
      for (const { name, psi, drifted } of features) {
        const row = byName.get(name) ?? { psi: dayMs.map(() => null), drifted: dayMs.map(() => false) };
        row.psi[column] = Math.max(row.psi[column] ?? 0, psi);
        row.drifted[column] = row.drifted[column]! || drifted;
        byName.set(name, row);
      }
    }
    return { dayMs, features: [...byName].map(([name, row]) => ({ name, ...row })) };
  },
});
