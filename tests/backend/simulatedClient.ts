import type { Prng } from "../../lib/core/prng";
import type { Backend } from "../../local/backend/backend";
import { type ClientSocket, SyncSession } from "../../local/backend/sync/session";
import type { VirtualTime } from "./virtualTime";

/** Both ends of a connection: messages arrive in order, each after a virtual delay, until it is cut. */
class Wire implements ClientSocket {
  readonly bufferedAmount = 0;
  private readonly listeners = new Map<string, (data?: unknown) => void>();
  private lastAtMs = 0;
  isCut = false;

  constructor(
    private readonly time: VirtualTime,
    private readonly prng: Prng,
    private readonly arrive: (text: string) => void,
    private readonly onCut: () => void,
  ) {}

  private later(task: () => void): void {
    this.lastAtMs = Math.max(this.lastAtMs, this.time.nowMs + this.prng.nextInt(6));
    this.time.after(this.lastAtMs - this.time.nowMs, () => {
      if (!this.isCut) task();
    });
  }

  on(event: string, listener: (data: never) => void): void {
    this.listeners.set(event, listener as (data?: unknown) => void);
  }

  toServer(text: string): void {
    this.later(() => this.listeners.get("message")?.(text));
  }

  send(text: string): void {
    this.later(() => this.arrive(text));
  }

  flush(): void {}

  ping(): void {
    this.later(() => this.listeners.get("pong")?.());
  }

  close(): void {
    this.terminate();
  }

  /** `silent` when the server is gone: nobody is left to notice. */
  terminate(silent = false): void {
    if (this.isCut) return;
    this.isCut = true;
    if (!silent) this.listeners.get("close")?.();
    this.onCut();
  }
}

interface Pending {
  requestId: number;
  text: string;
  answer: (message: { success: boolean; result: unknown; ts?: string }) => void;
}

/**
 * A client of the sync protocol in virtual time: it reconnects, asks its queries again and sends unanswered mutations again
 * with their request ids, as the stock client does. Throws on a transition that does not start where it stands.
 */
export class SimulatedClient {
  private wire: Wire | null = null;
  private version = { querySet: 0, identity: 0, ts: "AAAAAAAAAAA=" };
  private readonly pending: Pending[] = [];
  private nextRequestId = 0;
  connections = 0;
  readonly values = new Map<number, unknown>();

  constructor(
    private readonly time: VirtualTime,
    private readonly prng: Prng,
    private readonly name: string,
    private readonly server: () => Backend | null,
    private readonly queries: string[],
    private readonly onValue: (queryId: number, value: unknown) => void,
  ) {}

  connect(): void {
    const backend = this.server();
    if (!backend) {
      this.time.after(20 + this.prng.nextInt(100), () => this.connect());
      return;
    }
    this.version = { querySet: 0, identity: 0, ts: "AAAAAAAAAAA=" };
    const wire = new Wire(
      this.time,
      this.prng,
      (text) => this.receive(JSON.parse(text)),
      () => {
        this.wire = null;
        this.time.after(1 + this.prng.nextInt(100), () => this.connect());
      },
    );
    this.wire = wire;
    new SyncSession(backend, wire, { ip: null, userAgent: null });
    wire.toServer(
      JSON.stringify({ type: "Connect", sessionId: this.name, connectionCount: this.connections++ }),
    );
    const modifications = this.queries.map((udfPath, queryId) => ({
      type: "Add",
      queryId,
      udfPath,
      args: [{}],
    }));
    wire.toServer(JSON.stringify({ type: "ModifyQuerySet", baseVersion: 0, newVersion: 1, modifications }));
    for (const { text } of this.pending) wire.toServer(text);
  }

  /** Cuts the connection; `silent` when the server died with it. */
  cut(silent: boolean): void {
    this.wire?.terminate(silent);
  }

  mutate(udfPath: string, args: object): Promise<{ success: boolean; result: unknown; ts?: string }> {
    return new Promise((answer) => {
      const requestId = this.nextRequestId++;
      const text = JSON.stringify({ type: "Mutation", requestId, udfPath, args: [args] });
      this.pending.push({ requestId, text, answer });
      this.wire?.toServer(text);
    });
  }

  // biome-ignore lint/suspicious/noExplicitAny: a message as it came
  private receive(message: any): void {
    if (message.type === "MutationResponse") {
      const at = this.pending.findIndex(({ requestId }) => requestId === message.requestId);
      if (at < 0) throw new Error(`${this.name}: an answer to a request that does not wait`);
      this.pending.splice(at, 1)[0]!.answer(message);
    } else if (message.type === "Transition") {
      if (JSON.stringify(message.startVersion) !== JSON.stringify(this.version)) {
        throw new Error(`${this.name}: a transition starts elsewhere: ${JSON.stringify(message)}`);
      }
      this.version = message.endVersion;
      for (const change of message.modifications as Array<{
        type: string;
        queryId: number;
        value: unknown;
      }>) {
        if (change.type !== "QueryUpdated") throw new Error(`${this.name}: ${JSON.stringify(change)}`);
        this.values.set(change.queryId, change.value);
        this.onValue(change.queryId, change.value);
      }
    } else if (message.type !== "Ping") throw new Error(`${this.name}: ${JSON.stringify(message)}`);
  }
}
