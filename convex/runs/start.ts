/** What must hold before a run may start, and which version it runs. */
import { ConvexError } from "convex/values";
import { appError } from "../../lib/contract/errors";
import type { Timeframe } from "../../lib/market/types";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { requireVersion } from "../agents/model";
import { appendAudit } from "../audit/model";
import { championOf, readKillSwitch } from "../governance/model";
import { findSeries } from "../market/model";
import { requireLimits } from "../risk/model";
import { ACTIVE, insertRun } from "./model";

export interface StartRequest {
  instrument: string;
  feed: "replay" | "live";
  source: string;
  sourceTimeframe: Timeframe;
  fromMs?: number;
  toMs?: number;
  speed: number;
  versionId?: Id<"agentVersions">;
  initialBalanceUsd: number;
}

/** The version to run: the one named, else the instrument's champion, else its newest candidate (paper only). */
async function chooseVersion(ctx: QueryCtx, request: StartRequest): Promise<Doc<"agentVersions">> {
  if (request.versionId !== undefined) return requireVersion(ctx, request.versionId);
  const champion = await championOf(ctx, request.instrument);
  if (champion !== null) return requireVersion(ctx, champion.versionId);
  const candidate = await ctx.db
    .query("agentVersions")
    .withIndex("by_instrument_and_status", (q) =>
      q.eq("instrument", request.instrument).eq("status", "candidate"),
    )
    .order("desc")
    .first();
  if (candidate === null) {
    throw new ConvexError(
      appError(
        "NOT_READY",
        `No trained version for ${request.instrument}; train one with: assay train`,
        "versionId",
      ),
    );
  }
  return candidate;
}

async function assertStartable(ctx: QueryCtx, request: StartRequest): Promise<{ simulated: boolean }> {
  const kill = await readKillSwitch(ctx);
  if (kill.mode !== "armed") {
    throw new ConvexError(
      appError("KILL_SWITCH_ON", `The kill switch is on (${kill.mode}: ${kill.reason}); re-arm it first`),
    );
  }
  await requireLimits(ctx);
  if (request.initialBalanceUsd <= 0 || request.initialBalanceUsd > 1e9) {
    throw new ConvexError(
      appError("INVALID_ARGUMENT", "initialBalanceUsd must be above 0 and at most 1e9", "initialBalanceUsd"),
    );
  }
  if (request.speed < 0) {
    throw new ConvexError(
      appError("INVALID_ARGUMENT", "speed must be 0 (as fast as possible) or above", "speed"),
    );
  }
  const key = { instrument: request.instrument, timeframe: request.sourceTimeframe, source: request.source };
  const series = await findSeries(ctx, key);
  if (request.feed === "replay") {
    const { fromMs, toMs } = request;
    if (fromMs === undefined || toMs === undefined || fromMs >= toMs) {
      throw new ConvexError(appError("INVALID_ARGUMENT", "A replay feed needs fromMs before toMs", "fromMs"));
    }
    if (series === null || series.lastOpenTimeMs < fromMs || series.firstOpenTimeMs >= toMs) {
      throw new ConvexError(
        appError(
          "NO_DATA",
          `No ${request.sourceTimeframe} bars of ${request.instrument} from ${request.source} in that range; import some with: assay import`,
          "source",
        ),
      );
    }
    return { simulated: series.simulated };
  }
  for (const status of ACTIVE) {
    const other = await ctx.db
      .query("runs")
      .withIndex("by_instrument_and_feed_and_status", (q) =>
        q.eq("instrument", request.instrument).eq("feed", "live").eq("status", status),
      )
      .first();
    if (other !== null) {
      throw new ConvexError(
        appError(
          "ALREADY_RUNNING",
          `Run ${other.name} already trades ${request.instrument} on the live feed; stop it first`,
        ),
      );
    }
  }
  return { simulated: request.source === "simulated" };
}

export async function startRun(
  ctx: MutationCtx,
  request: StartRequest,
  actor: string,
): Promise<{ runId: Id<"runs">; jobId: Id<"jobs"> }> {
  const { simulated } = await assertStartable(ctx, request);
  const version = await chooseVersion(ctx, request);
  if (version.artifactSha256 === undefined) {
    throw new ConvexError(
      appError(
        "NOT_READY",
        `Version ${version.name} is ${version.status}; it has no artifact to run`,
        "versionId",
      ),
    );
  }
  if (version.instrument !== request.instrument) {
    throw new ConvexError(
      appError(
        "INVALID_ARGUMENT",
        `Version ${version.name} was trained on ${version.instrument}, not ${request.instrument}`,
        "versionId",
      ),
    );
  }
  const fields = {
    name: `${request.feed} ${request.instrument} ${version.timeframe}`,
    ...request,
    versionId: version._id,
    mode: "paper" as const,
    simulated,
    timeframe: version.timeframe,
    status: "queued" as const,
    desired: "running" as const,
    artifactSha256: version.artifactSha256,
    datasetHash: version.datasetHash,
    featureFingerprint: version.featureFingerprint,
    requestedBy: actor,
    bars: 0,
    decisions: 0,
    holds: 0,
    fills: 0,
    equityUsd: request.initialBalanceUsd,
    createdAtMs: Date.now(),
  };
  const { runId, jobId } = await insertRun(ctx, fields, actor);
  await appendAudit(ctx, {
    actor,
    action: "run.start",
    subjectType: "run",
    subjectId: runId,
    detail: {
      instrument: request.instrument,
      feed: request.feed,
      source: request.source,
      version: version.name,
    },
  });
  return { runId, jobId };
}
