/** Compares the newest features of a run with what its model was trained on, while the policy asks for it. */
import { api } from "../../convex/_generated/api";
import type { Id } from "../../convex/_generated/dataModel";
import { type DriftPolicy, WINDOW_BARS_MAX } from "../../lib/drift/policy";
import { featureShift } from "../../lib/drift/reference";
import type { ReadyBar } from "../infer/barPipeline";
import type { RunIdentity } from "../infer/decide";
import { codeOf, messageOf } from "../runtime/log";
import type { JobContext } from "./context";
import { type DriftReference, ensureReference } from "./driftReference";

export class DriftWatch {
  readonly #context: JobContext;
  readonly #unsubscribe: () => void;
  readonly #rows: Float64Array[] = [];
  #policy: DriftPolicy | null = null;
  #sinceCheck = 0;
  #reference: DriftReference | null = null;

  constructor(context: JobContext, runId: Id<"runs">) {
    this.#context = context;
    this.#unsubscribe = context.desk.onUpdate(
      api.drift.worker.policy,
      { runId },
      (policy) => {
        this.#policy = policy;
      },
      (error) => context.log.error("drift.policy", { runId, message: messageOf(error) }),
    );
  }

  close(): void {
    this.#unsubscribe();
  }

  /** Every bar that the pipeline makes, those before the run's first decision too: they fill the window. */
  observe({ features }: ReadyBar): void {
    if (features === null || !features.every(Number.isFinite)) return;
    this.#rows.push(features);
    if (this.#rows.length > WINDOW_BARS_MAX) this.#rows.shift();
  }

  /** After a decided bar: a check when one is due and the window is full. One that fails is due again at the next bar. */
  async check({ run, version }: RunIdentity, barOpenTimeMs: number): Promise<void> {
    const policy = this.#policy;
    this.#sinceCheck += 1;
    if (policy === null || !policy.enabled || this.#sinceCheck < policy.checkEveryBars) return;
    if (this.#rows.length < policy.windowBars) return;
    const { desk, lease, log } = this.#context;
    const { _id: runId, versionId } = run;
    try {
      if (this.#reference?.versionId !== versionId) {
        this.#reference = await ensureReference(this.#context, versionId);
      }
      const window = this.#rows.slice(-policy.windowBars);
      const columns = version.spec.columns.map(({ name }) => name);
      const features = this.#reference.features.map(({ name, ...reference }) => {
        const column = columns.indexOf(name);
        return {
          name,
          ...featureShift(
            reference,
            Float64Array.from(window, (row) => row[column]!),
          ),
        };
      });
      const report = { versionId, barOpenTimeMs, windowBars: window.length, features };
      await desk.mutation(api.drift.worker.check, { ...lease, runId, ...report });
      this.#sinceCheck = 0;
    } catch (error) {
      if (codeOf(error) === "LEASE_LOST") throw error;
      log.error("drift.check", { runId, message: messageOf(error) });
    }
  }
}
