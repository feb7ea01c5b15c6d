import { AuthenticationError } from "../auth/auth";
import type { Backend } from "../backend";
import { formatAddress } from "../components/address";
import { ANONYMOUS, type Caller, type RequestMetadata } from "../runtime/callState";
import type { CallOptions } from "../runtime/runner";
import { requestKey } from "../scheduler/maintenance";
import { encodeTs } from "../values/encoded";
import { LiveQueries } from "./liveQueries";
import { type ClientMessage, responseMessage, transitionMessages, updateText } from "./messages";

const PING_MS = 15_000;
/** Above this, transitions wait until the client has read. */
const MAX_BUFFERED_BYTES = 8 << 20;
/** Responses cannot wait, so above this the client is dropped. */
const MAX_UNREAD_BYTES = 64 << 20;
/** A client that reads nothing for this long is dropped; it reconnects and gets one transition instead of a backlog. */
const STALL_MS = 10_000;
const STALL_LOOK_MS = 20;
const DROP_GRACE_MS = 2_000;

/** What a session needs of a WebSocket; simulations connect clients without a network. */
export interface ClientSocket {
  /** Bytes given to {@link send} that the network has not taken yet. */
  readonly bufferedAmount: number;
  on(event: "message", listener: (data: unknown) => void): unknown;
  on(event: "pong" | "close", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  send(text: string): void;
  /** What was sent leaves now: the client works on it while the backend works for the next one. */
  flush(): void;
  ping(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

/**
 * One client on the sync protocol. Every transition takes the session from one version to the next; all of its queries are valid at
 * the timestamp that the new version carries, which is always a published one.
 */
export class SyncSession {
  private sessionId: string | null = null;
  private caller: Caller = ANONYMOUS;
  private readonly queries: LiveQueries;
  private querySet = 0;
  private identity = 0;
  private sent = { querySet: 0, identity: 0, ts: 0n };
  /** A client waits for a transition after each mutation response, changed queries or not. */
  private owesTransition = false;
  private flushing = false;
  private flushAgain = false;
  private closed = false;
  private inbox: Promise<void> = Promise.resolve();
  private stopPinging: () => void = () => {};
  private expiry: (() => void) | null = null;
  private silentSinceMs: number;
  private answersPings = true;

  constructor(
    private readonly backend: Backend,
    private readonly socket: ClientSocket,
    private readonly request: RequestMetadata,
  ) {
    this.queries = new LiveQueries(backend, () => this.flushSoon());
    backend.sessions.add(this);
    socket.on("message", (data) => this.receive(String(data)));
    socket.on("pong", () => {
      this.answersPings = true;
    });
    socket.on("close", () => this.dispose());
    socket.on("error", (error) => backend.log("debug", "sync.socketError", { error: error.message }));
    this.silentSinceMs = backend.ports.elapsedMs();
    this.pingLater();
  }

  private pingLater(): void {
    this.stopPinging = this.backend.ports.setTimer(PING_MS, () => this.ping());
  }

  private ping(): void {
    if (!this.answersPings) {
      this.socket.terminate();
      return;
    }
    this.answersPings = false;
    this.socket.ping();
    this.pingLater();
    if (this.backend.ports.elapsedMs() - this.silentSinceMs >= PING_MS) this.send('{"type":"Ping"}');
  }

  private send(text: string): void {
    if (this.closed) return;
    this.silentSinceMs = this.backend.ports.elapsedMs();
    this.socket.send(text);
  }

  /** Lets go of a client that does not read what it is sent; others never wait for it. */
  private dropSlow(): void {
    if (this.closed) return;
    this.backend.droppedClients++;
    this.backend.log("warn", "sync.slowClientDropped", {
      sessionId: this.sessionId,
      unreadBytes: this.socket.bufferedAmount,
    });
    this.dispose();
    this.socket.close(1013, "SlowClient: it does not read what it subscribed to; reconnect");
    this.backend.ports.setTimer(DROP_GRACE_MS, () => this.socket.terminate());
  }

  private async waitForReader(): Promise<void> {
    const { ports } = this.backend;
    let least = this.socket.bufferedAmount;
    let sinceMs = ports.elapsedMs();
    while (this.socket.bufferedAmount > MAX_BUFFERED_BYTES && !this.closed) {
      if (this.socket.bufferedAmount < least) {
        least = this.socket.bufferedAmount;
        sinceMs = ports.elapsedMs();
      } else if (ports.elapsedMs() - sinceMs > STALL_MS) return this.dropSlow();
      await new Promise<void>((resolve) => ports.setTimer(STALL_LOOK_MS, resolve));
    }
  }

  private receive(text: string): void {
    // One at a time: what follows an Authenticate must see the identity it sets.
    this.inbox = this.inbox
      .then(() => this.handle(JSON.parse(text) as ClientMessage))
      .catch((error) => this.fail(error));
  }

  private fail(error: unknown): void {
    this.backend.log("error", "sync.failed", { error: (error as Error)?.stack ?? String(error) });
    this.socket.close(1011, "InternalServerError");
  }

  private fatal(error: string): void {
    this.send(JSON.stringify({ type: "FatalError", error }));
    this.socket.close(1002, "FatalError");
  }

  private handle(message: ClientMessage): void | Promise<void> {
    if (this.closed) return;
    if (message.type !== "Connect" && this.sessionId === null)
      return this.fatal("The first message must be Connect.");
    switch (message.type) {
      case "Connect":
        this.sessionId = message.sessionId;
        return;
      case "Authenticate":
        return this.authenticate(message);
      case "ModifyQuerySet":
        return this.modifyQuerySet(message);
      case "Mutation":
        void this.mutate(message).catch((error) => this.fail(error));
        return;
      case "Action":
        void this.act(message).catch((error) => this.fail(error));
        return;
      case "Event":
        return;
      default:
        return this.fatal(`Unknown message type ${JSON.stringify((message as { type: unknown }).type)}.`);
    }
  }

  private async authenticate(message: Extract<ClientMessage, { type: "Authenticate" }>): Promise<void> {
    if (message.baseVersion !== this.identity) {
      return this.fatal(
        `Authenticate has base version ${message.baseVersion}, the session is at ${this.identity}.`,
      );
    }
    try {
      const { auth } = this.backend;
      if (message.tokenType === "None") this.caller = ANONYMOUS;
      else if (message.tokenType === "User") this.caller = await auth.user(message.value ?? "");
      else this.caller = auth.admin(message.value ?? "", message.impersonating ?? null);
    } catch (error) {
      if (!(error instanceof AuthenticationError)) throw error;
      return this.refuseIdentity(error.message, true);
    }
    this.identity++;
    this.watchExpiry();
    this.queries.dropResults();
    this.flushSoon();
  }

  private refuseIdentity(error: string, authUpdateAttempted: boolean): void {
    this.send(JSON.stringify({ type: "AuthError", error, baseVersion: this.identity, authUpdateAttempted }));
    this.socket.close(1008, "AuthError");
  }

  private watchExpiry(): void {
    this.expiry?.();
    this.expiry = null;
    const { expiresAtMs } = this.caller;
    if (expiresAtMs === undefined) return;
    const { ports } = this.backend;
    this.expiry = ports.setTimer(expiresAtMs - ports.now(), () => {
      if (ports.now() < expiresAtMs) this.watchExpiry();
      else this.refuseIdentity("Token expired", false);
    });
  }

  private modifyQuerySet(message: Extract<ClientMessage, { type: "ModifyQuerySet" }>): void {
    if (message.baseVersion !== this.querySet) {
      this.fatal(
        `ModifyQuerySet has base version ${message.baseVersion}, the session is at ${this.querySet}.`,
      );
      return;
    }
    const misuse = this.queries.apply(message.modifications);
    if (misuse !== null) {
      this.fatal(misuse);
      return;
    }
    this.querySet = message.newVersion;
    this.flushSoon();
  }

  private options(): CallOptions {
    return { caller: this.caller, request: this.request, internal: this.caller.admin };
  }

  private async mutate({
    requestId,
    udfPath,
    args,
    componentPath,
  }: Extract<ClientMessage, { requestId: number }>): Promise<void> {
    const path = formatAddress({ component: componentPath ?? "", path: udfPath });
    const key = requestKey(this.sessionId!, requestId);
    const { value, ts } = await this.backend.runner.mutation(path, args[0] ?? {}, this.options(), key);
    // First in line, so that the transition leaves in the turn that sends the response.
    this.owesTransition = true;
    this.flushSoon();
    this.respond(responseMessage("MutationResponse", requestId, value, `,"ts":"${encodeTs(ts)}"`));
  }

  private async act({
    requestId,
    udfPath,
    args,
    componentPath,
  }: Extract<ClientMessage, { requestId: number }>): Promise<void> {
    const path = formatAddress({ component: componentPath ?? "", path: udfPath });
    const outcome = await this.backend.runner.action(path, args[0] ?? {}, this.options());
    this.respond(responseMessage("ActionResponse", requestId, outcome, ""));
    this.owesTransition = true;
    this.flushSoon();
  }

  private respond(text: string): void {
    if (this.socket.bufferedAmount > MAX_UNREAD_BYTES) this.dropSlow();
    else this.send(text);
  }

  /** Flushes after the current burst: a commit's invalidations and its mutation's response share one transition. */
  private flushSoon(): void {
    this.flushAgain = true;
    if (this.flushing || this.closed) return;
    this.flushing = true;
    this.backend.ports.defer(() => {
      this.flush().catch((error) => this.fail(error));
    });
  }

  private async flush(): Promise<void> {
    while (this.flushAgain && !this.closed) {
      this.flushAgain = false;
      if (this.socket.bufferedAmount > MAX_BUFFERED_BYTES) await this.waitForReader();
      if (!this.closed) await this.transition();
    }
    this.flushing = false;
  }

  /**
   * Brings the client to the published timestamp. Everything that fixes the new version is read before the first await; what
   * changes during it belongs to the next transition.
   */
  private async transition(): Promise<void> {
    const end = { querySet: this.querySet, identity: this.identity, ts: this.backend.committer.publishedTs };
    const owed = this.owesTransition;
    this.owesTransition = false;
    const removed = this.queries.takeRemoved();
    const pending = this.queries.refresh(this.options());
    const results = await Promise.all(pending.map(([, result]) => result));
    const changes = removed.map((queryId) => `{"type":"QueryRemoved","queryId":${queryId}}`);
    for (let i = 0; i < results.length; i++) {
      const query = pending[i]![0];
      const result = results[i]!;
      query.journal = result.journal;
      if (query.sentFingerprint === result.fingerprint) continue;
      query.sentFingerprint = result.fingerprint;
      changes.push(updateText(query.queryId, result));
    }
    const start = this.sent;
    const sameVersion = start.querySet === end.querySet && start.identity === end.identity;
    if (sameVersion && changes.length === 0 && !owed) return;
    this.sent = end;
    for (const text of transitionMessages(start, end, changes)) this.send(text);
    this.socket.flush();
  }

  get subscriptions(): number {
    return this.queries.size;
  }

  get unreadBytes(): number {
    return this.socket.bufferedAmount;
  }

  private dispose(): void {
    this.closed = true;
    this.backend.sessions.delete(this);
    this.stopPinging();
    this.expiry?.();
    this.queries.dropResults();
  }
}
