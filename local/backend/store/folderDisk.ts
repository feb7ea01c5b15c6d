import { createReadStream, mkdirSync, openAsBlob, rmSync } from "node:fs";
import { open, readdir, rename, rm, stat, statfs, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Disk, FileShelf, FileWriter } from "./disk";
import { openLevelStore } from "./levelStore";

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  await handle.sync().finally(() => handle.close());
}

/** Bytes of the files of a folder, not of its sub-folders; 0 when it is not there. */
async function bytesOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(directory).catch(() => [])) {
    // The engine deletes files of its own while this looks.
    bytes += await stat(join(directory, name)).then(
      ({ size }) => size,
      () => 0,
    );
  }
  return bytes;
}

/** Files of a folder. Bytes are fsynced under a temporary name, renamed, and the folder fsynced. */
function folderShelf(directory: string, temporary: string): FileShelf {
  return {
    async open() {
      rmSync(temporary, { recursive: true, force: true });
      mkdirSync(directory, { recursive: true });
      mkdirSync(temporary, { recursive: true });
    },
    list: () => readdir(directory),
    async create(name): Promise<FileWriter> {
      const partial = join(temporary, name);
      const handle = await open(partial, "wx");
      const discard = async () => {
        await handle.close().catch(() => undefined);
        await unlink(partial).catch(() => undefined);
      };
      return {
        write: (chunk) => handle.writeFile(chunk),
        async keep() {
          try {
            await handle.sync();
            await handle.close();
            await rename(partial, join(directory, name));
          } catch (error) {
            await discard();
            throw error;
          }
          await syncDirectory(directory);
        },
        discard,
      };
    },
    read: (name, start, end) => createReadStream(join(directory, name), { start, end }),
    blob: (name, type) => openAsBlob(join(directory, name), { type }),
    remove: (name) => rm(join(directory, name), { force: true }),
  };
}

/** The disk under a data folder: `store/` (LevelDB), `files/` and, while uploads run, `files.tmp/`. */
export function folderDisk(dataDir: string): Disk {
  const storeDirectory = join(dataDir, "store");
  const filesDirectory = join(dataDir, "files");
  return {
    openStore: () => openLevelStore(storeDirectory),
    files: folderShelf(filesDirectory, join(dataDir, "files.tmp")),
    async freeBytes() {
      const { bavail, bsize } = await statfs(dataDir);
      return bavail * bsize;
    },
    async usedBytes() {
      const [store, files] = await Promise.all([bytesOf(storeDirectory), bytesOf(filesDirectory)]);
      return { store, files };
    },
  };
}
