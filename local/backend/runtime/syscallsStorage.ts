import { buffer } from "node:stream/consumers";
import type { Transaction } from "../transaction/transaction";
import { Transaction as ReadTransaction } from "../transaction/transaction";
import type { JsonObject } from "../values/encoded";
import type { CallState } from "./callState";
import type { AsyncSyscall } from "./syscalls";
import { transactionOf } from "./syscallsDatabase";

/** Reads inside a transaction see its writes; in an action they see the newest published state. */
export async function reading<T>(state: CallState, read: (tx: Transaction) => Promise<T>): Promise<T> {
  if (state.tx) return read(state.tx);
  const { committer, catalog } = state.root.backend;
  const snapshot = committer.snapshot();
  try {
    return await read(
      new ReadTransaction(snapshot, catalog, [], null, null, undefined, state.component.namespace),
    );
  } finally {
    snapshot.release();
  }
}

function storageId(args: JsonObject | Record<string, unknown>): string {
  if (typeof args.storageId === "string") return args.storageId;
  throw new Error("Invalid argument `storageId`: expected a string.");
}

export const storageSyscalls: Record<string, AsyncSyscall> = {
  async "1.0/storageGetUrl"(state, args) {
    const { files } = state.root.backend;
    return JSON.stringify(await reading(state, (tx) => files.urlOf(tx, storageId(args))));
  },
  async "1.0/storageGetMetadata"(state, args) {
    const { files } = state.root.backend;
    return JSON.stringify(await reading(state, (tx) => files.metadataOf(tx, storageId(args))));
  },
  async "1.0/storageStore"(state, { blob, contentType, sha256 }) {
    const tx = transactionOf(state);
    const { files } = state.root.backend;
    const bytes = Buffer.from(blob as string, "base64");
    tx.usage.usedFile("written", bytes.length);
    return JSON.stringify(
      await files.storeIn(tx, bytes, (contentType as string) || null, (sha256 as string) ?? null),
    );
  },
  async "1.0/storageGet"(state, args) {
    const tx = transactionOf(state);
    const { files } = state.root.backend;
    const file = await files.byId(tx, storageId(args));
    if (!file) return "null";
    tx.usage.usedFile("read", file.sizeBytes);
    const blob = (await buffer(files.bytes(file.uuid, file.sizeBytes))).toString("base64");
    return JSON.stringify({ blob, contentType: file.contentType });
  },
  "1.0/storageGenerateUploadUrl": (state) =>
    JSON.stringify(state.root.backend.files.createUploadUrl(state.component.path)),
  async "1.0/storageDelete"(state, args) {
    const { files, committer } = state.root.backend;
    const id = storageId(args);
    if (state.tx) await files.remove(state.tx, id);
    else {
      await committer.submit(async (tx) => {
        await files.remove(tx, id);
        return { value: null, commit: true };
      }, state.component.namespace);
    }
    return "null";
  },
};

export const storageJsSyscalls: Record<
  string,
  (state: CallState, args: Record<string, unknown>) => Promise<unknown>
> = {
  async "storage/storeBlob"(state, { blob, options }) {
    const { sha256 } = (options ?? {}) as { sha256?: string };
    const body = blob as Blob;
    return state.root.backend.files.store(
      body.stream(),
      body.type || null,
      sha256 ?? null,
      state.component.namespace,
    );
  },
  async "storage/getBlob"(state, args) {
    const { files } = state.root.backend;
    return reading(state, (tx) => files.blobOf(tx, storageId(args)));
  },
};
