import { parseAddress } from "../components/address";
import type { Ports } from "../ports";
import type { CallRoot, FunctionKind } from "../runtime/callState";
import type { JsonObject } from "../values/encoded";

const MAX_EXECUTIONS = 1000;
const MAX_BYTES = 4 << 20;
const WAIT_MS = 30_000;
const UDF_TYPES = { query: "Query", mutation: "Mutation", action: "Action", httpAction: "HttpAction" };

/** One finished call. */
interface Execution {
  path: string;
  kind: FunctionKind;
  root: CallRoot;
  /** Sentence of the failure, null when the call succeeded. */
  error: string | null;
  /** Milliseconds since the epoch, strictly increasing: "after this cursor" misses nothing. */
  cursor: number;
  bytes: number;
}

function identityOf({ caller }: CallRoot): string {
  return caller.admin ? "instance_admin" : caller.attributes ? "user" : "unknown";
}

function toJson({ path: address, kind, root, error, cursor }: Execution): JsonObject {
  const { component, path } =
    kind === "httpAction" ? { component: "", path: address } : parseAddress(address);
  return {
    kind: "Completion",
    udfType: UDF_TYPES[kind],
    identifier: path,
    componentPath: component === "" ? null : component,
    logLines: root.logLines,
    timestamp: cursor / 1000,
    cachedResult: false,
    caller: "Client",
    executionTime: Math.max(0, cursor - root.nowMs) / 1000,
    success: error === null ? { status: "success" } : null,
    error,
    requestId: root.requestId,
    executionId: root.requestId,
    willRetry: false,
    executionTimestamp: root.nowMs / 1000,
    identityType: identityOf(root),
    environment: "isolate",
  };
}

/** The last thousand calls, for `npx convex logs`; older ones are only in the process's own log. */
export class FunctionLog {
  private entries: Execution[] = [];
  private bytes = 0;
  private cursor = 0;
  private waiting: Array<() => void> = [];

  constructor(private readonly ports: Ports) {}

  record(root: CallRoot, kind: FunctionKind, path: string, error: string | null): void {
    this.cursor = Math.max(this.ports.now(), this.cursor + 2 ** -10);
    let bytes = 200 + (error?.length ?? 0);
    for (const line of root.logLines) bytes += line.length;
    this.entries.push({ path, kind, root, error, cursor: this.cursor, bytes });
    this.bytes += bytes;
    // Dropping a quarter at a time keeps recording at constant cost.
    if (this.entries.length > MAX_EXECUTIONS || this.bytes > MAX_BYTES) {
      const dropped = this.entries.splice(0, Math.ceil(this.entries.length / 4));
      for (const entry of dropped) this.bytes -= entry.bytes;
    }
    for (const wake of this.waiting.splice(0)) wake();
  }

  /**
   * Calls that finished after `cursor` (milliseconds since the epoch). Cursor 0 asks for what there is and answers at once; any
   * other waits for the next call, at most 30 s.
   */
  async after(cursor: number): Promise<{ entries: JsonObject[]; newCursor: number }> {
    const found = () => this.entries.filter((entry) => entry.cursor > cursor);
    let entries = found();
    if (entries.length === 0 && cursor > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.ports.setTimer(WAIT_MS, resolve);
        this.waiting.push(() => {
          cancel();
          resolve();
        });
      });
      entries = found();
    }
    // Who found nothing yet still needs a cursor that is not the first one.
    const newCursor = entries.at(-1)?.cursor ?? (cursor || Math.max(this.cursor, this.ports.now() - 1));
    return { entries: entries.map(toJson), newCursor };
  }
}
