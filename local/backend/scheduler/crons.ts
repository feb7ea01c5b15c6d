import type { Backend } from "../backend";
import type { CronSpecification } from "../loader/modules";
import { callStorage } from "../runtime/callState";
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
 * Runs the functions of `crons.ts`. The next time is stored; runs missed while the backend was down, or while the previous run
 * was still going, are skipped. A mutation and its cron's step to the next time are one commit; an action's cron
 * steps first, so that it runs at most once.
 */
export class Crons {
  private specifications: Record<string, CronSpecification> = {};
  private readonly cancels = new Map<string, () => void>();
  private stopped = false;

  constructor(private readonly backend: Backend) {}

  async start(specifications: Record<string, CronSpecification>): Promise<void> {
    this.specifications = specifications;
    const { committer, ports } = this.backend;
    for (const [name, cron] of Object.entries(specifications)) {
      this.backend.runner.resolve(cron.name, "any", true);
      const { value } = await committer.submit(async (tx) => {
        const before = await rowOf(tx, name);
        const specification = JSON.stringify(cron);
        const now = ports.now();
        if (before?.specification === specification) return { value: before.nextRunMs, commit: false };
        const offset = ports.randomBytes(2);
        const next = nextRunMs(cron.schedule, null, now, offset[0]! % 60);
        const row = { name, specification, nextRunMs: next };
        if (before) tx.replace(tx.catalog.byName.get(CRONS_TABLE)!, decodeId(before._id)!.internalId, row);
        else tx.insert(CRONS_TABLE, row);
        return { value: next, commit: true };
      });
      this.arm(name, value);
    }
    await this.forget(specifications);
  }

  stop(): void {
    this.stopped = true;
    for (const cancel of this.cancels.values()) cancel();
  }

  private arm(name: string, atMs: number): void {
    if (this.stopped) return;
    const delayMs = atMs - this.backend.ports.now();
    callStorage.exit(() => {
      const cancel = this.backend.ports.setTimer(delayMs, () => {
        // A far-off time outlasts one timer; an early wake-up only arms the next.
        if (this.backend.ports.now() < atMs) this.arm(name, atMs);
        else void this.run(name, atMs);
      });
      this.cancels.set(name, cancel);
    });
  }

  private async run(name: string, dueMs: number): Promise<void> {
    const cron = this.specifications[name]!;
    const { runner, committer, log } = this.backend;
    const args = (cron.args[0] ?? {}) as JsonValue;
    try {
      const isAction = runner.resolve(cron.name, "any", true).kind === "action";
      let outcome: Outcome;
      if (isAction) {
        await committer.submit(async (tx) => ({ value: await this.step(tx, name, dueMs), commit: true }));
        outcome = await runner.action(cron.name, args, SYSTEM_CALL);
      } else {
        const { value } = await committer.submit(async (tx) => {
          const body = tx.nested(true);
          const result = await runner.mutationIn(body, cron.name, args, SYSTEM_CALL);
          body.close();
          if (result.ok) tx.commitNested(body);
          await this.step(tx, name, dueMs);
          return { value: result, commit: true };
        });
        outcome = value;
      }
      log(outcome.ok ? "debug" : "warn", "cron.ran", { name, ok: outcome.ok });
    } catch (error) {
      log("error", "cron.failed", { name, error: String(error) });
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
    const { schedule } = this.specifications[name]!;
    const next = nextRunMs(schedule, dueMs, this.backend.ports.now(), new Date(dueMs).getUTCMinutes());
    tx.patch(tx.catalog.byName.get(CRONS_TABLE)!, decodeId(row._id)!.internalId, { nextRunMs: next });
  }

  /** Deletes the rows of crons that the folder no longer declares. */
  private async forget(specifications: Record<string, CronSpecification>): Promise<void> {
    await this.backend.committer.submit(async (tx) => {
      const stream = new QueryStream(
        tx,
        { source: { type: "FullTableScan", tableName: CRONS_TABLE, order: "asc" }, operators: [] },
        true,
      );
      for (let text = await stream.next(); text !== null; text = await stream.next()) {
        const row = JSON.parse(text) as CronRow;
        if (!Object.hasOwn(specifications, row.name)) {
          tx.remove(tx.catalog.byName.get(CRONS_TABLE)!, decodeId(row._id)!.internalId);
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
