import type { Backend } from "../backend";
import { canonicalPath } from "../loader/modules";
import { LIMITS } from "../transaction/limits";
import type { Transaction } from "../transaction/transaction";
import type { JsonObject, JsonValue } from "../values/encoded";
import { decodeId } from "../values/ids";

export const JOBS_TABLE = "_scheduled_functions";

export type JobState =
  | { kind: "pending" }
  | { kind: "inProgress" }
  | { kind: "success" }
  | { kind: "failed"; error: string }
  | { kind: "canceled" };

/** A row of `_scheduled_functions`, as functions see it through `ctx.db.system`. */
export interface JobRow extends JsonObject {
  _id: string;
  _creationTime: number;
  name: string;
  args: JsonValue[];
  scheduledTime: number;
  state: JobState & JsonObject;
}

/** Adds a pending job to the transaction; it exists only if the transaction commits. Returns its id. */
export function scheduleJob(backend: Backend, tx: Transaction, path: string, call: JsonObject): string {
  const fn = backend.runner.resolve(path, "any", true);
  if (fn.kind === "query")
    throw new Error(`Cannot schedule the query ${path}; schedule a mutation or an action.`);
  const args = call.args ?? {};
  const argsBytes = JSON.stringify(args).length;
  if (argsBytes > LIMITS.scheduledArgsBytes / 4) {
    throw new Error(
      `Arguments of the scheduled function ${path} are too large (limit: ${LIMITS.scheduledArgsBytes / 4} bytes)`,
    );
  }
  tx.usage.scheduled(argsBytes);
  return tx.insert(JOBS_TABLE, {
    name: canonicalPath(path),
    args: [args],
    scheduledTime: (call.ts as number) * 1000,
    state: { kind: "pending" },
  });
}

export function jobOf(tx: Transaction, id: string): JobRow | null {
  const decoded = decodeId(id);
  const table = tx.catalog.byName.get(JOBS_TABLE)!;
  if (decoded?.tableNumber !== table.number)
    throw new Error(`${JSON.stringify(id)} is not the id of a scheduled function.`);
  const stored = tx.read(table, decoded.internalId);
  return stored && (JSON.parse(stored.text) as JobRow);
}

/** Moves a job to another state; finished ones get their completion time. */
export function setJobState(tx: Transaction, id: string, state: JobState, nowMs: number): void {
  const fields: JsonObject = { state: state as unknown as JsonObject };
  if (state.kind !== "pending" && state.kind !== "inProgress") fields.completedTime = nowMs;
  tx.patch(tx.catalog.byName.get(JOBS_TABLE)!, decodeId(id)!.internalId, fields);
}

/** Cancels a job that has not finished; a job that is already running is not interrupted. Finished jobs are left alone. */
export function cancelJob(tx: Transaction, id: string, nowMs: number): void {
  const job = jobOf(tx, id);
  if (!job) return;
  if (job.state.kind === "pending" || job.state.kind === "inProgress") {
    setJobState(tx, id, { kind: "canceled" }, nowMs);
  }
}
