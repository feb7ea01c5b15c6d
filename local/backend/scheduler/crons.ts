import type { Backend } from "../backend";
import type { Committed, TaskOutcome } from "../committer/committer";
import { formatAddress } from "../components/address";
import type { ComponentInstance } from "../components/instances";
import type { CronSpecification } from "../loader/modules";
import { outsideCalls } from "../runtime/callContext";
import type { Outcome } from "../runtime/outcome";
import { SYSTEM_CALL } from "../runtime/runner";
import { QueryStream } from "../transaction/queryStream";
import type { Transaction } from "../transaction/transaction";
import type { JsonObject, JsonValue } from "../values/encoded";
import { decodeId } from "../values/ids";
import { nextRunMs } from "./schedule";

const CRONS_TABLE = "_cron_jobs";

interface CronRow extends JsonObject {
  _id: string;
  name: string;
  specification: string;
  nextRunMs: number;
}

/**
 * Runs the functions of one instance's `crons.ts`. The next time is stored; runs missed while the backend was down, or while the previous run
 * was still going, are skipped. A mutation and its cron's step to the next time are one commit; an action's cron
 * steps first, so that it runs at most once.
 */
export class Crons {
  private readonly cancels = new Map<string, () => void>();
  private stopped = false;

  constructor(
    private readonly backend: Backend,
    private readonly component: ComponentInstance,
  ) {}

  async start(): Promise<void> {
    const { ports } = this.backend;
    for (const [name, cron] of Object.entries(this.component.crons)) {
      this.backend.runner.resolve(this.addressOf(cron), "any", true);
      const { value } = await this.submit(async (tx) => {
        const before = await rowOf(tx, name);
        const specification = JSON.stringify(cron);
        const now = ports.now();
        if (before?.specification === specification) return { value: before.nextRunMs, commit: false };
        const offset = ports.randomBytes(2);
        const next = nextRunMs(cron.schedule, null, now, offset[0]! % 60);
        const row = { name, specification, nextRunMs: next };
        if (before) tx.replace(tx.namespace.systemTable(CRONS_TABLE), decodeId(before._id)!.internalId, row);
        else tx.insertInto(tx.namespace.systemTable(CRONS_TABLE), row);
        return { value: next, commit: true };
      });
      this.arm(name, value);
    }
    await this.forget();
  }

  stop(): void {
    this.stopped = true;
    for (const cancel of this.cancels.values()) cancel();
  }

  private addressOf({ name }: CronSpecification): string {
    return formatAddress({ component: this.component.path, path: name });
  }

  private submit<T>(run: (tx: Transaction) => Promise<TaskOutcome<T>>): Promise<Committed<T>> {
    return this.backend.committer.submit(run, this.component.namespace);
  }

  private arm(name: string, atMs: number): void {
    if (this.stopped) return;
    const delayMs = atMs - this.backend.ports.now();
    outsideCalls(() => {
      const cancel = this.backend.ports.setTimer(delayMs, () => {
        // A far-off time outlasts one timer; an early wake-up only arms the next.
        if (this.backend.ports.now() < atMs) this.arm(name, atMs);
        else void this.run(name, atMs);
      });
      this.cancels.set(name, cancel);
    });
  }

  private async run(name: string, dueMs: number): Promise<void> {
    const cron = this.component.crons[name]!;
    const { runner, log } = this.backend;
    const address = this.addressOf(cron);
    const args = (cron.args[0] ?? {}) as JsonValue;
    try {
      const isAction = runner.resolve(address, "any", true).kind === "action";
      let outcome: Outcome;
      if (isAction) {
        await this.submit(async (tx) => ({ value: await this.step(tx, name, dueMs), commit: true }));
        outcome = await runner.action(address, args, SYSTEM_CALL);
      } else {
        const { value } = await this.submit(async (tx) => {
          const body = tx.nested(true);
          const result = await runner.mutationIn(body, address, args, SYSTEM_CALL);
          body.close();
          if (result.ok) tx.commitNested(body);
          await this.step(tx, name, dueMs);
          return { value: result, commit: true };
        });
        outcome = value;
      }
      log(outcome.ok ? "debug" : "warn", "cron.ran", {
        component: this.component.path,
        name,
        ok: outcome.ok,
      });
    } catch (error) {
      log("error", "cron.failed", { component: this.component.path, name, error: String(error) });
    }
    // Counted from the end of the run: a time that passed meanwhile is skipped.
    this.arm(
      name,
      nextRunMs(cron.schedule, dueMs, this.backend.ports.now(), new Date(dueMs).getUTCMinutes()),
    );
  }

  /** Stores the time of the run after `dueMs`. */
  private async step(tx: Transaction, name: string, dueMs: number): Promise<void> {
    const row = await rowOf(tx, name);
    if (!row) return;
    const { schedule } = this.component.crons[name]!;
    const next = nextRunMs(schedule, dueMs, this.backend.ports.now(), new Date(dueMs).getUTCMinutes());
    tx.patch(tx.namespace.systemTable(CRONS_TABLE), decodeId(row._id)!.internalId, { nextRunMs: next });
  }

  /** Deletes the rows of crons that the folder no longer declares. */
  private async forget(): Promise<void> {
    await this.submit(async (tx) => {
      const stream = new QueryStream(
        tx,
        { source: { type: "FullTableScan", tableName: CRONS_TABLE, order: "asc" }, operators: [] },
        true,
      );
      for (let text = await stream.next(); text !== null; text = await stream.next()) {
        const row = JSON.parse(text) as CronRow;
        if (!Object.hasOwn(this.component.crons, row.name)) {
          tx.remove(tx.namespace.systemTable(CRONS_TABLE), decodeId(row._id)!.internalId);
        }
      }
      return { value: null, commit: true };
    });
  }
}

async function rowOf(tx: Transaction, name: string): Promise<CronRow | null> {
  const range = [{ type: "Eq" as const, fieldPath: "name", value: name }];
  const stream = new QueryStream(
    tx,
    {
      source: { type: "IndexRange", indexName: `${CRONS_TABLE}.by_name`, range, order: "asc" },
      operators: [],
    },
    true,
  );
  const text = await stream.next();
  return text === null ? null : (JSON.parse(text) as CronRow);
}
