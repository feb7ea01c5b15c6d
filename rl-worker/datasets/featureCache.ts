/** Feature blocks on the worker's disk: named by what decides their content, verified when they are read. */
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface FeatureCache {
  /** The block of this key, or null when it is not there or does not match its hash (it is then deleted). */
  read(key: string): Promise<Uint8Array | null>;
  /** Stores a block; a reader sees all of it or nothing. */
  write(key: string, payload: Uint8Array): Promise<void>;
  /** Deletes the blocks that were not used for the longest time until the rest fits the limit. */
  prune(): Promise<void>;
}

export interface FolderCacheOptions {
  folder: string;
  maxBytes: number;
  nowMs(): number;
}

const HASH_BYTES = 32;
const PART_SUFFIX = ".part";
/** A part file this old was left by a worker that died while writing. */
const PART_AGE_MS = 3_600_000;

const digest = (payload: Uint8Array) => createHash("sha256").update(payload).digest();

let parts = 0;

/**
 * A cache in a folder that any number of workers may share: blocks are written beside their place and renamed
 * into it, a block of the same key has the same bytes whoever wrote it, and one that vanishes is a miss.
 */
export function folderFeatureCache({ folder, maxBytes, nowMs }: FolderCacheOptions): FeatureCache {
  const fileOf = (key: string) => join(folder, key);

  return {
    async read(key) {
      const file = fileOf(key);
      const bytes = await readFile(file).catch(absent);
      if (bytes === null) return null;
      const payload = bytes.subarray(HASH_BYTES);
      if (bytes.length <= HASH_BYTES || !digest(payload).equals(bytes.subarray(0, HASH_BYTES))) {
        await rm(file, { force: true });
        return null;
      }
      const now = nowMs() / 1000;
      await utimes(file, now, now).catch(absent);
      return payload;
    },

    async write(key, payload) {
      await mkdir(folder, { recursive: true });
      const part = fileOf(`${key}.${process.pid}.${parts++}${PART_SUFFIX}`);
      await writeFile(part, Buffer.concat([digest(payload), payload]));
      await rename(part, fileOf(key));
      const now = nowMs() / 1000;
      await utimes(fileOf(key), now, now).catch(absent);
    },

    async prune() {
      const names = (await readdir(folder).catch(absent)) ?? [];
      const files: Array<{ name: string; bytes: number; usedMs: number }> = [];
      for (const name of names) {
        const found = await stat(fileOf(name)).catch(absent);
        if (found === null) continue;
        const isPart = name.endsWith(PART_SUFFIX);
        if (isPart && nowMs() - found.mtimeMs > PART_AGE_MS) await rm(fileOf(name), { force: true });
        if (!isPart) files.push({ name, bytes: found.size, usedMs: found.mtimeMs });
      }
      files.sort((a, b) => a.usedMs - b.usedMs || (a.name < b.name ? -1 : 1));
      let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
      for (const { name, bytes } of files) {
        if (total <= maxBytes) return;
        await rm(fileOf(name), { force: true });
        total -= bytes;
      }
    },
  };
}

/** Another worker may delete any block at any time; everything else is a fault of the disk and is thrown. */
function absent(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
