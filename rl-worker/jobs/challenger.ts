/** What the worker of a run does for the life of its model: goes over to another between bars, and lets a ghost decide. */
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import type { AccountState } from "../../lib/broker/types";
import type { ReadyBar } from "../infer/barPipeline";
import { decideBar, type RunIdentity } from "../infer/decide";
import { codeOf, messageOf } from "../runtime/log";
import { HashMismatchError } from "../transport/desk";
import { ArtifactRefusedError, type LoadedVersion, loadVersion } from "./artifact";
import type { JobContext } from "./context";

/** The artifact itself is at fault: trying again would not help. A lost line is not of this kind. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof ArtifactRefusedError ||
    error instanceof HashMismatchError ||
    codeOf(error) === "ARTIFACT_HASH_MISMATCH"
  );
}

/**
 * Loads and verifies the desired model and makes it the run's. One that is refused leaves the run with the model
 * it has; one that is not wanted any more by then changes nothing.
 */
export async function followModel(
  { desk, lease, log }: JobContext,
  identity: RunIdentity,
  versionId: Id<"agentVersions">,
): Promise<void> {
  const runId = identity.run._id;
  try {
    const version = await loadVersion(desk, versionId);
    identity.run = await desk.mutation(api.runs.worker.switchModel, { ...lease, runId, versionId });
    identity.version = version;
    log.info("run.switchModel", { runId, versionId });
  } catch (error) {
    if (codeOf(error) === "CONFLICT") return;
    if (codeOf(error) === "LEASE_LOST") throw error;
    const reason = messageOf(error);
    log.error("run.switchModel", { runId, versionId, message: reason });
    // A lost line is no verdict on the model: the next bar tries again.
    if (!isRefusal(error)) return;
    await desk.mutation(api.runs.worker.refuseModel, { ...lease, runId, versionId, reason });
  }
}

interface Ghost {
  shadowId: Id<"shadows">;
  versionId: Id<"agentVersions">;
  account: AccountState;
}

/** Decides for a challenger on the bars of the champion's run. It must never cost the run a bar. */
export class GhostDecider {
  readonly #context: JobContext;
  #loaded: { versionId: Id<"agentVersions">; version: LoadedVersion } | null = null;

  constructor(context: JobContext) {
    this.#context = context;
  }

  async decide(
    identity: RunIdentity,
    { shadowId, versionId, account }: Ghost,
    ready: ReadyBar,
    arrivedAtMs: number,
  ): Promise<void> {
    const { desk, lease, clock, log } = this.#context;
    const target = { ...lease, runId: identity.run._id, shadowId };
    try {
      if (this.#loaded?.versionId !== versionId) {
        this.#loaded = { versionId, version: await loadVersion(desk, versionId) };
      }
      const { version } = this.#loaded;
      const ghost: RunIdentity = { ...identity, run: { ...identity.run, versionId }, version };
      const submission = decideBar(ghost, ready, account, clock, arrivedAtMs);
      await desk.mutation(api.shadows.worker.decide, { ...target, submission });
    } catch (error) {
      if (codeOf(error) === "LEASE_LOST") throw error;
      const reason = messageOf(error);
      log.error("shadow.decide", { shadowId, message: reason });
      if (isRefusal(error)) await desk.mutation(api.shadows.worker.refuse, { ...target, reason });
    }
  }
}
