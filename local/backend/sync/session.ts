import type { WebSocket } from "ws";
import { AuthenticationError } from "../auth/auth";
import type { Backend } from "../backend";
import { ANONYMOUS, type Caller, identityKey, type RequestMetadata } from "../runtime/callState";
import type { CallOptions, Outcome } from "../runtime/runner";
import { requestKey } from "../scheduler/maintenance";
import type { CachedQuery, QueryResult } from "../subscriptions/queryCache";
import { encodeTs, type JsonObject, type JsonValue } from "../values/encoded";
import { transitionMessages } from "./messages";

const PING_MS = 15_000;
const MAX_BUFFERED_BYTES = 8 << 20;

type ClientMessage =
  | { type: "Connect"; sessionId: string }
  | {
      type: "Authenticate";
      tokenType: "User" | "Admin" | "None";
      value?: string;
      baseVersion: number;
      impersonating?: JsonObject;
    }
  | { type: "ModifyQuerySet"; baseVersion: number; newVersion: number; modifications: QuerySetChange[] }
  | { type: "Mutation" | "Action"; requestId: number; udfPath: string; args: JsonValue[] }
  | { type: "Event" };

type QuerySetChange =
  | { type: "Add"; queryId: number; udfPath: string; args: JsonValue[]; journal?: string | null }
  | { type: "Remove"; queryId: number };

interface LiveQuery {
  queryId: number;
  path: string;
  args: JsonValue;
  argsText: string;
  journal: string | null;
  entry: CachedQuery | null;
  sentFingerprint: string | null;
}

/**
 * One client on the sync protocol. Every transition takes the session from one version to the next; all of its queries are valid at
 * the timestamp that the new version carries, which is always a published one.
 */
export class SyncSession {
  private sessionId: string | null = null;
  private caller: Caller = ANONYMOUS;
  private readonly queries = new Map<number, LiveQuery>();
  private removed: number[] = [];
  private querySet = 0;
  private identity = 0;
  private sent = { querySet: 0, identity: 0, ts: 0n };
  /** A client waits for a transition after each mutation response, changed queries or not. */
  private owesTransition = false;
  private flushing = false;
  private flushAgain = false;
  private closed = false;
  private inbox: Promise<void> = Promise.resolve();
  private readonly pinger: NodeJS.Timeout;
  private expiry: (() => void) | null = null;
  private silentSinceMs = Date.now();
  private answersPings = true;
  private readonly onInvalid = () => this.flushSoon();

  constructor(
    private readonly backend: Backend,
    private readonly socket: WebSocket,
    private readonly request: RequestMetadata,
  ) {
    socket.on("message", (data) => this.receive(String(data)));
    socket.on("pong", () => {
      this.answersPings = true;
    });
    socket.on("close", () => this.dispose());
    socket.on("error", (error) => backend.log("debug", "sync.socketError", { error: error.message }));
    this.pinger = setInterval(() => this.ping(), PING_MS);
  }

  private ping(): void {
    if (!this.answersPings) {
      this.socket.terminate();
      return;
    }
    this.answersPings = false;
    this.socket.ping();
    if (Date.now() - this.silentSinceMs >= PING_MS) this.send('{"type":"Ping"}');
  }

  private send(text: string): void {
    if (this.closed) return;
    this.silentSinceMs = Date.now();
    this.socket.send(text);
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
    for (const query of this.queries.values()) this.drop(query);
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
    for (const change of message.modifications) {
      const known = this.queries.get(change.queryId);
      if (change.type === "Add") {
        if (known) {
          this.fatal(`Query ${change.queryId} is already in the query set.`);
          return;
        }
        const args = change.args[0] ?? {};
        this.queries.set(change.queryId, {
          queryId: change.queryId,
          path: change.udfPath,
          args,
          argsText: JSON.stringify(args),
          journal: change.journal ?? null,
          entry: null,
          sentFingerprint: null,
        });
      } else if (known) {
        this.drop(known);
        this.queries.delete(change.queryId);
        this.removed.push(change.queryId);
      }
    }
    this.querySet = message.newVersion;
    this.flushSoon();
  }

  private drop(query: LiveQuery): void {
    if (!query.entry) return;
    query.entry.onInvalid.delete(this.onInvalid);
    this.backend.queries.release(query.entry);
    query.entry = null;
  }

  private options(): CallOptions {
    return { caller: this.caller, request: this.request, internal: this.caller.admin };
  }

  private async mutate({
    requestId,
    udfPath,
    args,
  }: Extract<ClientMessage, { requestId: number }>): Promise<void> {
    const key = requestKey(this.sessionId!, requestId);
    const { value, ts } = await this.backend.runner.mutation(udfPath, args[0] ?? {}, this.options(), key);
    this.send(responseMessage("MutationResponse", requestId, value, `,"ts":"${encodeTs(ts)}"`));
    this.owesTransition = true;
    this.flushSoon();
  }

  private async act({
    requestId,
    udfPath,
    args,
  }: Extract<ClientMessage, { requestId: number }>): Promise<void> {
    const outcome = await this.backend.runner.action(udfPath, args[0] ?? {}, this.options());
    this.send(responseMessage("ActionResponse", requestId, outcome, ""));
    this.owesTransition = true;
    this.flushSoon();
  }

  /** Flushes after the current burst: a commit's invalidations and its mutation's response share one transition. */
  private flushSoon(): void {
    this.flushAgain = true;
    if (this.flushing || this.closed) return;
    this.flushing = true;
    setImmediate(() => {
      this.flush().catch((error) => this.fail(error));
    });
  }

  private async flush(): Promise<void> {
    while (this.flushAgain && !this.closed) {
      this.flushAgain = false;
      while (this.socket.bufferedAmount > MAX_BUFFERED_BYTES && !this.closed) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await this.transition();
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
    const removed = this.removed.splice(0);
    const pending: Array<[LiveQuery, Promise<QueryResult>]> = [];
    for (const query of this.queries.values()) {
      if (query.entry && query.entry.invalidatedAt === null) continue;
      this.drop(query);
      query.entry = this.acquire(query);
      pending.push([query, query.entry.result]);
    }
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
  }

  private acquire(query: LiveQuery): CachedQuery {
    const options = this.options();
    const entry = this.backend.queries.acquire({
      path: query.path,
      argsText: query.argsText,
      journal: query.journal,
      admin: this.caller.admin,
      identityKey: identityKey(this.caller),
      run: (snapshot) => this.backend.runner.query(query.path, query.args, options, snapshot, query.journal),
    });
    entry.onInvalid.add(this.onInvalid);
    return entry;
  }

  private dispose(): void {
    this.closed = true;
    clearInterval(this.pinger);
    this.expiry?.();
    for (const query of this.queries.values()) this.drop(query);
    this.queries.clear();
  }
}

function updateText(queryId: number, result: QueryResult): string {
  const tail = `"logLines":${JSON.stringify(result.logLines)},"journal":${JSON.stringify(result.journal)}}`;
  if (result.ok) return `{"type":"QueryUpdated","queryId":${queryId},"value":${result.valueText},${tail}`;
  const data = result.valueText === undefined ? "" : `"errorData":${result.valueText},`;
  return `{"type":"QueryFailed","queryId":${queryId},"errorMessage":${JSON.stringify(result.errorMessage)},${data}${tail}`;
}

function responseMessage(type: string, requestId: number, outcome: Outcome, extra: string): string {
  const head = `{"type":"${type}","requestId":${requestId}`;
  const logLines = `"logLines":${JSON.stringify(outcome.logLines)}`;
  if (outcome.ok) return `${head},"success":true,"result":${outcome.valueText}${extra},${logLines}}`;
  const data = outcome.errorData === undefined ? "" : `,"errorData":${JSON.stringify(outcome.errorData)}`;
  return `${head},"success":false,"result":${JSON.stringify(outcome.errorMessage)}${data},${logLines}}`;
}
