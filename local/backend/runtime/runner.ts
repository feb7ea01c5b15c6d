import { isSystemPath } from "../admin/systemFunctions";
import type { Backend } from "../backend";
import { checkValue } from "../catalog/validators";
import type { Committed } from "../committer/committer";
import type { ComponentInstance } from "../components/instances";
import { displayedPath, type RegisteredFunction } from "../loader/modules";
import { Histogram, SECONDS } from "../operation/histogram";
import type { QueryExecution } from "../subscriptions/queryCache";
import { LIMITS } from "../transaction/limits";
import { ReadSet } from "../transaction/readSet";
import type { DatabaseSnapshot } from "../transaction/snapshot";
import { Transaction } from "../transaction/transaction";
import { isPlainObject, type JsonValue } from "../values/encoded";
import { mayExceedLimits, measureValue } from "../values/measure";
import { runCall } from "./callContext";
import {
  type Caller,
  type CallRoot,
  type CallState,
  type FunctionKind,
  type RequestMetadata,
  SYSTEM,
  seededRandom,
} from "./callState";
import { ComputeClock } from "./computeMeter";
import { FunctionFailure, toFailure } from "./errors";
import { fromQueryResult, type Outcome, toQueryResult } from "./outcome";

export interface CallOptions {
  caller: Caller;
  request?: RequestMetadata;
  /** True when internal functions may be called (system, admin, other functions). */
  internal?: boolean;
  scheduledFunctionId?: string;
  /** Of the call that this one is part of; a new one by default. */
  requestId?: string;
}

export const SYSTEM_CALL: CallOptions = { caller: SYSTEM, internal: true };

const NO_REQUEST: RequestMetadata = { ip: null, userAgent: null };
/** For everything, waiting included. */
const TRANSACTION_MS = 20_000;
const ACTION_MS = { default: 30 * 60_000, node: 10 * 60_000 };
const KIND_NAMES = { query: "Query", mutation: "Mutation", action: "Action", httpAction: "HttpAction" };

/** Runs registered functions: checks arguments and results, gives each call its environment, shapes its outcome. */
export class Runner {
  private readonly computing: ComputeClock;
  /** By Prometheus labels: kind and outcome. */
  readonly durations = new Map<string, Histogram>();

  constructor(
    private readonly backend: Backend,
    computeLimitMs: number,
  ) {
    this.computing = new ComputeClock(backend.ports, computeLimitMs);
  }

  /**
   * The function at an address (see components/address.ts); throws the sentence that clients of real Convex see when it cannot be
   * called. From outside (`internal` false) only the app's public functions can.
   */
  resolve(path: string, kind: FunctionKind | "any", internal: boolean): RegisteredFunction {
    const found = this.backend.components.find(path);
    if (!found || (!internal && !(found.isPublic && found.component.isApp)) || found.kind === "httpAction") {
      throw new FunctionFailure(
        `Could not find ${internal ? "" : "public "}function for '${path}'. Did you forget to run \`npx convex dev\` or \`npx convex deploy\`?`,
        undefined,
      );
    }
    if (kind !== "any" && found.kind !== kind) {
      throw new FunctionFailure(
        `Trying to execute ${displayedPath(found.path)} as ${KIND_NAMES[kind]}, but it is defined as ${KIND_NAMES[found.kind]}.`,
        undefined,
      );
    }
    return found;
  }

  createRoot(options: CallOptions): CallRoot {
    const { ports } = this.backend;
    return {
      backend: this.backend,
      requestId: options.requestId ?? Buffer.from(ports.randomBytes(8)).toString("hex"),
      caller: options.caller,
      request: options.request ?? NO_REQUEST,
      scheduledFunctionId: options.scheduledFunctionId ?? null,
      logLines: [],
      startedAtMs: ports.elapsedMs(),
      meter: null,
      nowMs: Math.floor(ports.now()),
      readIdentity: false,
      journal: { before: null, after: null },
    };
  }

  createState(
    root: CallRoot,
    component: ComponentInstance,
    kind: FunctionKind,
    path: string,
    tx: Transaction | null,
    runtime: RegisteredFunction["runtime"] = "default",
  ): CallState {
    const random = seededRandom(() => this.backend.ports.randomBytes(16));
    return {
      root,
      component,
      kind,
      runtime,
      path,
      tx,
      random,
      streams: new Map(),
      lastRead: null,
      nextStreamId: 0,
    };
  }

  /** Validates, invokes and validates again; the returned text is the encoded result. Throws FunctionFailure. */
  async invoke(
    fn: RegisteredFunction,
    root: CallRoot,
    args: JsonValue,
    tx: Transaction | null,
  ): Promise<string> {
    try {
      if (!isPlainObject(args)) throw new Error("Arguments must be one object.");
      const tables = fn.component.namespace.tableNameOf;
      checkArguments(displayedPath(fn.path), args);
      const badArgs = checkValue(fn.args, args, tables);
      if (badArgs) throw new FunctionFailure(`ArgumentValidationError: ${badArgs.message}`, undefined);
      const argsText = JSON.stringify([args]);
      const state = this.createState(root, fn.component, fn.kind, fn.path, tx, fn.runtime);
      root.meter?.resume();
      const running = runCall(state, () => fn.invoke(argsText, root.requestId));
      const text = await this.withinTime(running, fn).finally(() => root.meter?.pause());
      root.meter?.assertWithinLimit();
      if (text.length > LIMITS.returnBytes / 5 || mayExceedLimits(text)) {
        checkResult(displayedPath(fn.path), JSON.parse(text) as JsonValue);
      }
      const badResult = fn.returns && checkValue(fn.returns, JSON.parse(text) as JsonValue, tables);
      if (badResult) throw new FunctionFailure(`ReturnsValidationError: ${badResult.message}`, undefined);
      return text;
    } catch (error) {
      throw toFailure(error);
    }
  }

  /** Fails a call that does not settle in time; a mutation that waits forever would hold up every other one. */
  private withinTime<T>(running: Promise<T>, { kind, runtime }: RegisteredFunction): Promise<T> {
    const limitMs = kind !== "action" ? TRANSACTION_MS : ACTION_MS[runtime];
    return new Promise<T>((resolve, reject) => {
      const cancel = this.backend.ports.setTimer(limitMs, () => {
        reject(new Error(`Function execution timed out (maximum duration: ${limitMs / 1000}s)`));
      });
      running.then(
        (result) => {
          cancel();
          resolve(result);
        },
        (error) => {
          cancel();
          reject(error);
        },
      );
    });
  }

  private finish(root: CallRoot, kind: FunctionKind, path: string, failure: FunctionFailure): Outcome {
    const errorMessage = `[Request ID: ${root.requestId.slice(0, 16)}] Server Error\n${failure.message}`;
    this.record(root, kind, path, failure.message);
    return { ok: false, errorMessage, errorData: failure.data, logLines: root.logLines };
  }

  private succeed(root: CallRoot, kind: FunctionKind, path: string, valueText: string): Outcome {
    this.record(root, kind, path, null);
    return { ok: true, valueText, logLines: root.logLines };
  }

  private record(root: CallRoot, kind: FunctionKind, path: string, error: string | null): void {
    root.meter?.end();
    const durationMs = this.backend.ports.elapsedMs() - root.startedAtMs;
    const labels = `kind="${kind}",outcome="${error === null ? "ok" : "failed"}",`;
    let histogram = this.durations.get(labels);
    if (!histogram) this.durations.set(labels, (histogram = new Histogram(SECONDS)));
    histogram.observe(durationMs / 1000);
    const { requestId } = root;
    if (error === null) this.backend.log("debug", "function.ran", { kind, path, requestId, durationMs });
    else this.backend.log("warn", "function.failed", { kind, path, requestId, durationMs, error });
    if (root.logLines.length > 0)
      this.backend.log("info", "function.console", { path, requestId, lines: root.logLines });
    if (!isSystemPath(path)) this.backend.functionLog.record(root, kind, path, error);
  }

  /** Runs a query on a snapshot, with the journal of its previous run. Never throws for the function's own failure. */
  async query(
    path: string,
    args: JsonValue,
    options: CallOptions,
    snapshot: DatabaseSnapshot,
    journal: string | null = null,
  ): Promise<QueryExecution> {
    const root = this.createRoot(options);
    root.meter = this.computing.start();
    root.journal.before = journal;
    const reads = new ReadSet();
    let tx: Transaction | null = null;
    let outcome: Outcome;
    try {
      const fn = this.resolve(path, "query", options.internal ?? false);
      const { namespace } = fn.component;
      tx = new Transaction(snapshot, this.backend.catalog, [], null, reads, undefined, namespace);
      outcome = this.succeed(root, "query", path, await this.invoke(fn, root, args, tx));
    } catch (error) {
      outcome = this.finish(root, "query", path, toFailure(error));
    } finally {
      tx?.close();
    }
    return { result: toQueryResult(outcome, root.journal.after), reads, readIdentity: root.readIdentity };
  }

  /** Runs a query once on the newest published state. */
  async queryNow(path: string, args: JsonValue, options: CallOptions): Promise<Outcome> {
    const snapshot = this.backend.committer.snapshot();
    try {
      const { result } = await this.query(path, args, options, snapshot);
      return fromQueryResult(result);
    } finally {
      snapshot.release();
    }
  }

  /**
   * Runs a mutation through the committer. With a request key, its result is recorded in the same commit as its writes, and a
   * repeated request is answered from the record.
   */
  mutation(
    path: string,
    args: JsonValue,
    options: CallOptions,
    requestKey?: string,
  ): Promise<Committed<Outcome>> {
    return this.backend.committer.submit<Outcome>(async (tx) => {
      const recorded = requestKey === undefined ? undefined : tx.raw(requestKey);
      if (recorded) return { value: (JSON.parse(recorded) as { outcome: Outcome }).outcome, commit: false };
      const outcome = await this.mutationIn(tx, path, args, options);
      if (outcome.ok && requestKey !== undefined && !tx.layer.isEmpty) {
        tx.layer.raw.set(requestKey, JSON.stringify({ atMs: this.backend.ports.now(), outcome }));
      }
      return { value: outcome, commit: outcome.ok };
    });
  }

  /** Runs a mutation inside a transaction that the caller commits or drops. */
  async mutationIn(tx: Transaction, path: string, args: JsonValue, options: CallOptions): Promise<Outcome> {
    const root = this.createRoot(options);
    root.meter = this.computing.start();
    try {
      const fn = this.resolve(path, "mutation", options.internal ?? false);
      const { namespace } = fn.component;
      if (namespace === tx.namespace)
        return this.succeed(root, "mutation", path, await this.invoke(fn, root, args, tx));
      const inside = tx.nested(true, namespace);
      const text = await this.invoke(fn, root, args, inside).finally(() => inside.close());
      tx.commitNested(inside);
      return this.succeed(root, "mutation", path, text);
    } catch (error) {
      return this.finish(root, "mutation", path, toFailure(error));
    }
  }

  async action(path: string, args: JsonValue, options: CallOptions): Promise<Outcome> {
    const root = this.createRoot(options);
    try {
      const fn = this.resolve(path, "action", options.internal ?? false);
      return this.succeed(root, "action", path, await this.invoke(fn, root, args, null));
    } catch (error) {
      return this.finish(root, "action", path, toFailure(error));
    }
  }
}

function mebibytes(bytes: number): string {
  const value = bytes / (1 << 20);
  return `${Number.isInteger(value) ? value : value.toFixed(2)} MiB`;
}

/** Arguments obey the limits of values (nesting, lengths, names) and of their size. Throws Convex's sentence. */
function checkArguments(path: string, args: JsonValue): void {
  const bytes = measureValue(args);
  if (bytes > LIMITS.argsBytes) {
    const sentence = `Arguments for ${path} are too large (${mebibytes(bytes)}, limit: ${mebibytes(LIMITS.argsBytes)})`;
    throw new FunctionFailure(sentence, undefined);
  }
}

/** A result obeys the same limits. Throws Convex's sentence. */
function checkResult(path: string, result: JsonValue): void {
  let bytes: number;
  try {
    bytes = measureValue(result);
  } catch (error) {
    throw new FunctionFailure(
      `Function ${path} return value invalid: ${(error as Error).message}`,
      undefined,
    );
  }
  if (bytes > LIMITS.returnBytes) {
    const sentence = `Function ${path} return value is too large (actual: ${mebibytes(bytes)}, limit: ${mebibytes(LIMITS.returnBytes)})`;
    throw new FunctionFailure(sentence, undefined);
  }
}
