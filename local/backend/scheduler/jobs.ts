import type { Backend } from "../backend";
import { formatAddress, parseAddress } from "../components/address";
import { displayedPath, type RegisteredFunction } from "../loader/modules";
import { LIMITS } from "../transaction/limits";
import type { Transaction } from "../transaction/transaction";
import type { JsonObject, JsonValue } from "../values/encoded";
import { decodeId } from "../values/ids";
import { measureValue } from "../values/measure";

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

/**
 * Row that names the component of a job's function, when that is not the one whose table the job is in. Functions see the job's row
 * only, which has no field for it.
 */
function targetKey(jobId: string): string {
  return `j${jobId}`;
}

/** Address of the function that a job of the transaction's namespace runs. */
export function jobAddress(tx: Transaction, { _id, name }: JobRow): string {
  return formatAddress({ component: tx.raw(targetKey(_id)) ?? tx.namespace.path, path: name });
}

/** The function that a job is to run. Throws Convex's sentence when there is none. */
function schedulable(backend: Backend, address: string): RegisteredFunction {
  const found = backend.components.find(address);
  if (found && found.kind !== "httpAction") return found;
  const { component, path } = parseAddress(address);
  const [module, name] = path.split(":") as [string, string];
  const functions = backend.components.at(component)?.functions ?? new Map<string, unknown>();
  const isKnown = [...functions.keys()].some((other) => other.startsWith(`${module}:`));
  throw new Error(
    isKnown
      ? `Attempted to schedule function, but no exported function ${name} found in the file: ${module}.js. Did you forget to export it?`
      : `Attempted to schedule function at nonexistent path: ${module}.js`,
  );
}

const FIVE_YEARS_S = 5 * 366 * 24 * 3600;

/** A time that is off by more than five years is a mistake of unit. */
function checkTime(atS: number, nowS: number): void {
  if (Math.abs(atS - nowS) <= FIVE_YEARS_S) return;
  throw new Error(`UnixTimestamp(${atS}s) is more than 5 years in the ${atS > nowS ? "future" : "past"}`);
}

/**
 * Adds a pending job to the transaction, in the table of its namespace; it exists only if the transaction commits. Returns its id.
 */
export function scheduleJob(backend: Backend, tx: Transaction, address: string, call: JsonObject): string {
  const { component, path, kind } = schedulable(backend, address);
  checkTime(call.ts as number, backend.ports.now() / 1000);
  if (kind === "query")
    throw new Error(`Cannot schedule the query ${path}; schedule a mutation or an action.`);
  const args = call.args ?? {};
  const argsBytes = measureValue([args]);
  if (argsBytes > LIMITS.scheduledArgsBytesEach) {
    throw new Error(
      `Arguments of the scheduled function ${path} are too large (${argsBytes} bytes, limit: ${LIMITS.scheduledArgsBytesEach} bytes)`,
    );
  }
  tx.usage.scheduled(argsBytes);
  const id = tx.insertInto(tx.namespace.systemTable(JOBS_TABLE), {
    name: displayedPath(path),
    args: [args],
    scheduledTime: (call.ts as number) * 1000,
    state: { kind: "pending" },
  });
  if (component.namespace !== tx.namespace) tx.layer.raw.set(targetKey(id), component.path);
  return id;
}

/** Deletes a finished job. */
export function removeJob(tx: Transaction, id: string): void {
  tx.remove(tx.namespace.systemTable(JOBS_TABLE), decodeId(id)!.internalId);
  if (tx.raw(targetKey(id)) != null) tx.layer.raw.set(targetKey(id), null);
}

export function jobOf(tx: Transaction, id: string): JobRow | null {
  const decoded = decodeId(id);
  const table = tx.namespace.systemTable(JOBS_TABLE);
  if (decoded?.tableNumber !== table.number)
    throw new Error(`${JSON.stringify(id)} is not the id of a scheduled function.`);
  const stored = tx.read(table, decoded.internalId);
  return stored && (JSON.parse(stored.text) as JobRow);
}

/** Moves a job to another state; finished ones get their completion time. */
export function setJobState(tx: Transaction, id: string, state: JobState, nowMs: number): void {
  const fields: JsonObject = { state: state as unknown as JsonObject };
  if (state.kind !== "pending" && state.kind !== "inProgress") fields.completedTime = nowMs;
  tx.patch(tx.namespace.systemTable(JOBS_TABLE), decodeId(id)!.internalId, fields);
}

/** Cancels a job that has not finished; a job that is already running is not interrupted. Finished jobs are left alone. */
export function cancelJob(tx: Transaction, id: string, nowMs: number): void {
  const job = jobOf(tx, id);
  if (!job) return;
  if (job.state.kind === "pending" || job.state.kind === "inProgress") {
    setJobState(tx, id, { kind: "canceled" }, nowMs);
  }
}
