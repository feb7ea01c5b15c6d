import type { Backend } from "../backend";
import type { ComponentInstance } from "../components/instances";
import type { QueryStream } from "../transaction/queryStream";
import type { Transaction } from "../transaction/transaction";
import type { JsonObject } from "../values/encoded";
import type { ComputeMeter } from "./computeMeter";

export type FunctionKind = "query" | "mutation" | "action" | "httpAction";

/** Who calls. `admin` may call internal functions; `attributes` is what `ctx.auth.getUserIdentity()` returns. */
export interface Caller {
  admin: boolean;
  attributes: JsonObject | null;
  /** Milliseconds since the epoch after which the token no longer counts. */
  expiresAtMs?: number;
  /** The JWT that says who calls. */
  token?: string;
}

export const ANONYMOUS: Caller = { admin: false, attributes: null };
/** Scheduler, crons and the command line act as the system. */
export const SYSTEM: Caller = { admin: true, attributes: null };

export function identityKey(caller: Caller): string {
  return JSON.stringify([caller.admin, caller.attributes]);
}

export interface RequestMetadata {
  ip: string | null;
  userAgent: string | null;
}

/** State that one top-level call shares with the calls nested in it. */
export interface CallRoot {
  backend: Backend;
  requestId: string;
  caller: Caller;
  request: RequestMetadata;
  scheduledFunctionId: string | null;
  logLines: string[];
  /** On the clock of durations. */
  startedAtMs: number;
  /** Of queries and mutations, whose computing is limited. */
  meter: ComputeMeter | null;
  /** Frozen clock of queries and mutations, ms. */
  nowMs: number;
  readIdentity: boolean;
  /** End cursor of the page that a previous run of this query read, and the one this run read. */
  journal: { before: string | null; after: string | null };
}

/** State of one function invocation; found by everything the function touches (callContext.ts). */
export interface CallState {
  root: CallRoot;
  /** The instance whose function runs: its tables, children and variables are what the function sees. */
  component: ComponentInstance;
  kind: FunctionKind;
  runtime: "default" | "node";
  path: string;
  /** Present in queries and mutations. */
  tx: Transaction | null;
  /** Seeded on first use. */
  random: () => number;
  streams: Map<number, QueryStream>;
  /** The stream that was read last, by the text of the arguments that ask for its next document. */
  lastRead: { argsText: string; stream: QueryStream } | null;
  nextStreamId: number;
}

/** True where the environment must be deterministic. */
export function isDeterministic(state: CallState | undefined): state is CallState {
  return state?.kind === "query" || state?.kind === "mutation";
}

/** `Math.random` of one query or mutation: sfc32, seeded with 16 drawn bytes at its first use. */
export function seededRandom(draw: () => Uint8Array): () => number {
  let next: (() => number) | null = null;
  return () => {
    next ??= sfc32(draw());
    return next();
  };
}

function sfc32(seed: Uint8Array): () => number {
  const view = new DataView(seed.buffer, seed.byteOffset, 16);
  let a = view.getInt32(0);
  let b = view.getInt32(4);
  let c = view.getInt32(8);
  let counter = view.getInt32(12);
  return () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
}
