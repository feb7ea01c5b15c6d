import type { Backend } from "../backend";
import { formatAddress } from "../components/address";
import { identityKey } from "../runtime/callState";
import type { CallOptions } from "../runtime/runner";
import type { CachedQuery, QueryResult } from "../subscriptions/queryCache";
import type { JsonValue } from "../values/encoded";
import type { QuerySetChange } from "./messages";

/** A query that one client watches. */
export interface LiveQuery {
  queryId: number;
  path: string;
  args: JsonValue;
  argsText: string;
  /** End cursor of the page that the last run read; the next run ends there too. */
  journal: string | null;
  entry: CachedQuery | null;
  /** Of the result that the client has. */
  sentFingerprint: string | null;
}

/** The queries of one session and the shared results that it holds for them. */
export class LiveQueries {
  private readonly queries = new Map<number, LiveQuery>();
  private removed: number[] = [];

  constructor(
    private readonly backend: Backend,
    private readonly onInvalid: () => void,
  ) {}

  /** Adds and removes queries; returns a sentence when the client broke the protocol, else null. */
  apply(changes: QuerySetChange[]): string | null {
    for (const change of changes) {
      const known = this.queries.get(change.queryId);
      if (change.type === "Add") {
        if (known) return `Query ${change.queryId} is already in the query set.`;
        const args = change.args[0] ?? {};
        this.queries.set(change.queryId, {
          queryId: change.queryId,
          path: formatAddress({ component: change.componentPath ?? "", path: change.udfPath }),
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
    return null;
  }

  get size(): number {
    return this.queries.size;
  }

  /** Ids removed since the last call. */
  takeRemoved(): number[] {
    return this.removed.splice(0);
  }

  /** Replaces results that are missing or invalid at the published timestamp; returns those to wait for. */
  refresh(options: CallOptions): Array<[LiveQuery, Promise<QueryResult>]> {
    const pending: Array<[LiveQuery, Promise<QueryResult>]> = [];
    for (const query of this.queries.values()) {
      if (query.entry && query.entry.invalidatedAt === null) continue;
      this.drop(query);
      query.entry = this.acquire(query, options);
      pending.push([query, query.entry.result]);
    }
    return pending;
  }

  /** Lets go of every result: the identity changed or the client left. */
  dropResults(): void {
    for (const query of this.queries.values()) this.drop(query);
  }

  private drop(query: LiveQuery): void {
    if (!query.entry) return;
    query.entry.onInvalid.delete(this.onInvalid);
    this.backend.queries.release(query.entry);
    query.entry = null;
  }

  private acquire(query: LiveQuery, options: CallOptions): CachedQuery {
    const { path, args, argsText, journal } = query;
    const entry = this.backend.queries.acquire({
      path,
      argsText,
      journal,
      admin: options.caller.admin,
      identityKey: identityKey(options.caller),
      run: (snapshot) => this.backend.runner.query(path, args, options, snapshot, journal),
    });
    entry.onInvalid.add(this.onInvalid);
    return entry;
  }
}
