import type { ConvexClient } from "convex/browser";

/** What a case may need of a backend beyond running functions. */
export const CAPABILITIES = {
  subscriptions: "live queries on a socket",
  httpApi: "the HTTP function API at a URL",
  tokens: "sign-in with JWTs of providers that the run brings itself",
  wording: "Convex's own error sentences",
  limits: "Convex's documented limits",
  environment: "Convex's function environment (frozen clock, no fetch, nothing of the host)",
  adminKey: "the admin key",
  storageUrls: "upload and download of files over HTTP",
  validatorWording: "Convex's sentences for values that do not fit a validator",
  cursors: "opaque cursors that survive changes and are bound to their query",
  concurrency: "several clients at once",
  crons: "crons that run by themselves",
} as const;

export type Capability = keyof typeof CAPABILITIES;

/** Identity to run as: claims of the test issuer's token. */
export interface Driver {
  name: string;
  /** Capabilities that this backend does not have, each with the reason. */
  lacks: Partial<Record<Capability, string>>;
  open(): Promise<Backend>;
}

/** The live values of one watched query. */
export interface Watch<T> {
  /** Every value or error the client was told, in order. */
  readonly seen: Array<{ value: T } | { error: Error }>;
  /** Resolves with the first value (past or future) that satisfies the predicate. */
  until(predicate: (value: T) => boolean): Promise<T>;
  stop(): void;
}

/** A backend that serves the conformance functions. Paths are `module:function`. */
export interface Backend {
  // biome-ignore lint/suspicious/noExplicitAny: results come untyped over the wire; each case says what it expects
  query<T = any>(path: string, args?: object): Promise<T>;
  // biome-ignore lint/suspicious/noExplicitAny: see query
  mutation<T = any>(path: string, args?: object): Promise<T>;
  // biome-ignore lint/suspicious/noExplicitAny: see query
  action<T = any>(path: string, args?: object): Promise<T>;
  /** Calls an HTTP action: `path` starts with a slash. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** A stock subscription client on a socket of its own; closed with the backend. */
  client(): ConvexClient;
  /** A browser client's subscription. */
  watch<T>(path: string, args?: object, client?: ConvexClient): Watch<T>;
  /** Where the HTTP API and the sync protocol are served. */
  url: string;
  adminKey: string | null;
  close(): Promise<void>;
}
