import type { Backend } from "../backend";
import type { Namespace } from "../catalog/catalog";
import { RequestError } from "../runtime/errors";
import { Transaction } from "../transaction/transaction";
import type { JsonObject } from "../values/encoded";
import { decodeId } from "../values/ids";
import { ImportError, type ImportedStorage } from "./importFile";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

async function known(backend: Backend, namespace: Namespace, storageId: string) {
  const snapshot = backend.committer.snapshot();
  try {
    const tx = new Transaction(snapshot, backend.catalog, [], null, null, undefined, namespace);
    return await backend.files.byId(tx, storageId);
  } finally {
    snapshot.release();
  }
}

/**
 * Stores the files of an archive and gives the `_storage` documents that belong to them. A file keeps the address it had, unless
 * another file has it here. Nobody can reach a file before its document is there. Throws ImportError.
 */
export async function* importFiles(
  backend: Backend,
  storage: ImportedStorage,
  namespace: Namespace,
): AsyncGenerator<JsonObject> {
  const described = new Map<string, JsonObject>();
  for await (const row of storage.rows()) described.set(String(row._id), row);
  const taken = new Set(await backend.files.names());
  for (const { storageId, bytes } of storage.files) {
    const row = described.get(storageId) ?? {};
    described.delete(storageId);
    if (!decodeId(storageId)) throw new ImportError(`The file _storage/${storageId} is not named by an id.`);
    const { sha256, size, contentType, internalId, _creationTime } = row;
    const present = await known(backend, namespace, storageId);
    if (present && sha256 !== undefined && present.sha256Base64 !== sha256)
      throw new ImportError(`The file ${storageId} is here already, with other contents.`);
    let stored = present && { sha256Base64: present.sha256Base64, sizeBytes: present.sizeBytes };
    if (!stored) {
      const wish = typeof internalId === "string" && UUID.test(internalId) && !taken.has(internalId);
      const kept = await backend.files
        .keep(bytes(), (sha256 as string | undefined) ?? null, wish ? internalId : undefined)
        .catch((error) => {
          if (!(error instanceof RequestError)) throw error;
          throw new ImportError(`The file ${storageId} of the archive is damaged: ${error.message}`);
        });
      taken.add(kept.uuid);
      await backend.committer.submit(async (tx) => {
        backend.files.insertBlob(tx, kept.uuid, storageId, namespace);
        return { value: null, commit: true };
      });
      stored = kept;
    }
    if (size !== undefined && size !== stored.sizeBytes)
      throw new ImportError(`The file ${storageId} has ${stored.sizeBytes} bytes, not ${size}.`);
    yield {
      _id: storageId,
      ...(_creationTime === undefined ? {} : { _creationTime }),
      ...(contentType == null ? {} : { contentType }),
      sha256: stored.sha256Base64,
      size: stored.sizeBytes,
    };
  }
  const missing = described.keys().next().value;
  if (missing !== undefined)
    throw new ImportError(
      `The archive lists the file ${missing} and does not hold it; export again with --include-file-storage.`,
    );
}
