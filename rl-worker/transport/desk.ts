/** The worker's line to the control plane: a WebSocket client with our identity, and file storage. */
import { ConvexClient } from "convex/browser";
import type { FunctionReference, FunctionReturnType } from "convex/server";
import { api } from "../../convex/_generated/api";
import { sha256Hex } from "../../lib/core/sha256";
import type { SigningKey } from "../config";
import { systemClock } from "../runtime/clock";
import { createTokenSource } from "./identity";
import { withPatience } from "./patience";

export interface DeskOptions {
  convexUrl: string;
  key: SigningKey;
  issuer: string;
  /** `service:worker`, `service:cli` or `local:cli`. */
  subject: string;
}

export type Desk = ConvexClient;

interface LineOptions {
  /** Is told, in a sentence, of each wait for a rate limit. */
  onWait?: (message: string) => void;
  webSocketConstructor?: typeof WebSocket;
}

/**
 * Connects; mutations sent while the line is down are re-sent exactly once by the client itself, and one refused as
 * too often is sent again when the refusal says so.
 */
export function connectDesk(
  { convexUrl, key, issuer, subject }: DeskOptions,
  { onWait = () => {}, webSocketConstructor }: LineOptions = {},
): Desk {
  const quiet = { unsavedChangesWarning: false, logger: false } as const;
  const options = webSocketConstructor === undefined ? quiet : { ...quiet, webSocketConstructor };
  const client = new ConvexClient(convexUrl, options);
  const send = client.mutation.bind(client);
  const patient = (...call: Parameters<typeof send>) =>
    withPatience(() => send(...call), { clock: systemClock, onWait });
  client.mutation = patient as typeof client.mutation;
  client.setAuth(createTokenSource(key, issuer, subject, systemClock.nowMs));
  return client;
}

/** Resolves with the first result of a subscription that `accept` takes; rejects on its error or the signal. */
export function waitForQuery<Q extends FunctionReference<"query">>(
  client: Desk,
  query: Q,
  args: Q["_args"],
  accept: (value: FunctionReturnType<Q>) => boolean,
  signal?: AbortSignal,
): Promise<FunctionReturnType<Q> | null> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return resolve(null);
    let unsubscribe: (() => void) | null = null;
    let isDone = false;
    const finish = (act: () => void) => {
      if (isDone) return;
      isDone = true;
      signal?.removeEventListener("abort", onAbort);
      // The first value may arrive while onUpdate is still returning.
      queueMicrotask(() => unsubscribe?.());
      act();
    };
    const onAbort = () => finish(() => resolve(null));
    signal?.addEventListener("abort", onAbort, { once: true });
    unsubscribe = client.onUpdate(
      query,
      args,
      (value) => {
        if (accept(value)) finish(() => resolve(value));
      },
      (error) => finish(() => reject(error)),
    );
  });
}

/** Uploads bytes to file storage; returns the storage id. */
export async function uploadBytes(client: Desk, bytes: Uint8Array, contentType: string) {
  const url = await client.mutation(api.datasets.worker.uploadUrl, {});
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": contentType },
    body: bytes as Uint8Array<ArrayBuffer>,
  });
  if (!response.ok) throw new Error(`Upload failed with HTTP ${response.status}: ${await response.text()}`);
  const { storageId } = (await response.json()) as { storageId: string };
  return storageId;
}

/** Thrown when downloaded bytes are not the ones that were promised; the caller refuses to go on. */
export class HashMismatchError extends Error {
  constructor(what: string, expected: string, actual: string) {
    super(
      `${what} does not match its hash: expected ${expected.slice(0, 12)}…, got ${actual.slice(0, 12)}…; it is not used`,
    );
    this.name = "HashMismatchError";
  }
}

/** Downloads and checks bytes against their SHA-256 before anyone reads them. */
export async function downloadVerified(
  url: string,
  expectedSha256: string,
  what: string,
): Promise<Uint8Array> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`Download of ${what} failed with HTTP ${response.status}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const actual = sha256Hex(bytes);
  if (actual !== expectedSha256) throw new HashMismatchError(what, expectedSha256, actual);
  return bytes;
}
