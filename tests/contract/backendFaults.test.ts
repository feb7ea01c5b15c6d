import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, describe, expect, it } from "vitest";
import { findIndexFaults } from "../../local/backend/catalog/checkIndexes";
import { openLevelStore } from "../../local/backend/store/levelStore";
import { type SpawnedBackend, spawnBackend, temporaryData } from "../backend/spawnBackend";

const api = anyApi;
const data = temporaryData();
const mounts: string[] = [];

afterAll(() => {
  for (const folder of mounts) spawnSync("umount", ["-l", folder]);
  data.remove();
});

/** A small file system of its own; null, with what is missing said, where this process may not mount. */
function smallDisk(
  name: string,
  sizeMiB: number,
): { folder: string; remount(how: "ro" | "rw"): void } | null {
  const folder = join(data.dataDir, name);
  mkdirSync(folder);
  const mount = (...args: string[]) => spawnSync("mount", [...args, folder], { encoding: "utf8" });
  const made = mount("-t", "tmpfs", "-o", `size=${sizeMiB}m`, "tmpfs");
  if (made.status !== 0) {
    process.stderr.write(`No mount here (${(made.stderr ?? "no mount command").trim()}).\n`);
    return null;
  }
  mounts.push(folder);
  return { folder, remount: (how) => void mount("-o", `remount,${how}`) };
}

/**
 * A disk whose file system gives up when told to, as one does after an error of its device: read-only from then on, also for what
 * is open. Null, with what is missing said, where this process may not make one.
 */
function failingDisk(name: string): { folder: string; fail(): void; mend(): void } | null {
  const folder = join(data.dataDir, name);
  const image = `${folder}.image`;
  mkdirSync(folder);
  writeFileSync(image, "");
  truncateSync(image, 64 << 20);
  const run = (command: string, ...args: string[]) => spawnSync(command, args, { encoding: "utf8" });
  const mount = () => run("mount", "-o", "loop,errors=remount-ro", image, folder);
  for (const made of [run("mkfs.ext4", "-q", "-F", image), mount()]) {
    if (made.status === 0) continue;
    process.stderr.write(`No ext4 on a loop device here (${(made.stderr ?? "no such command").trim()}).\n`);
    return null;
  }
  mounts.push(folder);
  return {
    folder,
    fail: () => void run("mount", "-o", "remount,abort", folder),
    mend() {
      run("umount", folder);
      run("fsck.ext4", "-y", image);
      expect(mount().status).toBe(0);
    },
  };
}

const clientOf = (backend: SpawnedBackend) => new ConvexHttpClient(backend.url, { logger: false });

/** Sends documents of 100 kB until the backend dies; returns the numbers that were acknowledged. */
async function writeUntilDead(
  backend: SpawnedBackend,
  onAcknowledged: (n: number) => void = () => {},
): Promise<number[]> {
  const client = clientOf(backend);
  const acknowledged: number[] = [];
  for (let n = 0; n < 1000; n++) {
    try {
      await client.mutation(api.messages!.send!, { channel: "big", body: `${n}`.padEnd(100_000), rank: n });
    } catch {
      return acknowledged;
    }
    acknowledged.push(n);
    onAcknowledged(n);
  }
  throw new Error("The disk never failed.");
}

async function expectKept(dataDir: string, acknowledged: number[]): Promise<void> {
  const backend = await spawnBackend({ dataDir });
  const kept: number[] = await clientOf(backend).query(api.counters!.ranks!, { channel: "big" });
  expect(kept.slice(0, acknowledged.length)).toEqual(acknowledged);
  // A write that failed to answer may be there as a whole, as with any lost answer.
  expect(kept.length - acknowledged.length).toBeLessThanOrEqual(1);
  expect(await backend.end("SIGTERM")).toBe(0);
  const store = await openLevelStore(join(dataDir, "store"));
  expect(await findIndexFaults(store)).toEqual([]);
  await store.close();
}

const ENDS = /The store cannot write durably, so the backend stops: .*Free disk space or repair the disk/;
const ENDS_READ_ONLY =
  /The disk has become read-only, so the backend stops: .*[Rr]ead-only file system.*mount it writable, then start again; everything acknowledged is kept/;

describe("a backend whose disk fails while it runs (D-09)", () => {
  it("acknowledges nothing after the disk is full, ends with a sentence, and has every acknowledged write later", async ({
    skip,
  }) => {
    const disk = smallDisk("full", 12) ?? skip("A tmpfs cannot be mounted here.");
    const dataDir = join(disk.folder, "data");
    const backend = await spawnBackend({ dataDir });
    const ended = new Promise<number | null>((resolve) => backend.process.once("close", resolve));
    const acknowledged = await writeUntilDead(backend);
    expect(acknowledged.length).toBeGreaterThan(10);
    expect(await ended).toBe(1);
    expect(backend.stderr()).toMatch(ENDS);
    spawnSync("mount", ["-o", "remount,size=64m", disk.folder]);
    await expectKept(dataDir, acknowledged);
  });

  it("ends with a sentence when the disk goes read-only, refuses to start on it, and has every acknowledged write later", async ({
    skip,
  }) => {
    const disk = failingDisk("failing") ?? skip("An ext4 image cannot be mounted here.");
    const dataDir = join(disk.folder, "data");
    const backend = await spawnBackend({ dataDir });
    const ended = new Promise<number | null>((resolve) => backend.process.once("close", resolve));
    const acknowledged = await writeUntilDead(backend, (n) => n === 30 && disk.fail());
    expect(acknowledged.slice(0, 31)).toHaveLength(31);
    expect(await ended).toBe(1);
    expect(backend.stderr()).toMatch(ENDS_READ_ONLY);
    await expect(spawnBackend({ dataDir })).rejects.toThrow(
      /exit code 1: The disk of the data folder .* is read-only.*mount it writable/,
    );
    disk.mend();
    await expectKept(dataDir, acknowledged);
  });

  it("does the same when a file may not grow further", async () => {
    const dataDir = join(data.dataDir, "limit");
    const backend = await spawnBackend({ dataDir, shell: "trap '' XFSZ; ulimit -f 4096" });
    const ended = new Promise<number | null>((resolve) => backend.process.once("close", resolve));
    const acknowledged = await writeUntilDead(backend);
    expect(acknowledged.length).toBeGreaterThan(10);
    expect(await ended).toBe(1);
    expect(backend.stderr()).toMatch(ENDS);
    await expectKept(dataDir, acknowledged);
  });

  it("tells the client of an upload that the disk does not take it, and goes on", async () => {
    const dataDir = join(data.dataDir, "upload");
    const backend = await spawnBackend({ dataDir, shell: "trap '' XFSZ; ulimit -f 2048" });
    const url: string = await clientOf(backend).mutation(api.files!.uploadUrl!, {});
    const answer = await fetch(url, { method: "POST", body: new Uint8Array(3 << 20) });
    expect(answer.status).toBe(507);
    expect(await answer.json()).toMatchObject({ code: "InsufficientStorage" });
    expect(await clientOf(backend).mutation(api.counters!.increment!, { name: "after" })).toBe(1);
    expect(await backend.end("SIGTERM")).toBe(0);
    expect([readdirSync(join(dataDir, "files")), readdirSync(join(dataDir, "files.tmp"))]).toEqual([[], []]);
  });
});

describe("a data folder that cannot be used", () => {
  it("is refused with a sentence when it is read-only", async () => {
    const disk = smallDisk("readonly", 4);
    const folder = disk?.folder ?? join(data.dataDir, "locked");
    if (disk) disk.remount("ro");
    else {
      mkdirSync(folder, { recursive: true });
      chmodSync(folder, 0o500);
    }
    await expect(spawnBackend({ dataDir: join(folder, "data") })).rejects.toThrow(
      disk
        ? /exit code 1: The disk of the data folder .* is read-only.*mount it writable/
        : /exit code 1: The data folder .* is not writable/,
    );
  });

  it("is refused when the store is damaged, or gone while uploaded files are there, and is left as it was", async () => {
    const dataDir = join(data.dataDir, "damaged");
    const first = await spawnBackend({ dataDir });
    await clientOf(first).action(api.files!.roundTrip!, { text: "kept" });
    await first.end("SIGTERM");
    const manifest = readdirSync(join(dataDir, "store")).find((name) => name.startsWith("MANIFEST"))!;
    truncateSync(join(dataDir, "store", manifest), 10);
    await expect(spawnBackend({ dataDir })).rejects.toThrow(
      /exit code 1: The store in .* is damaged: .*restore it from a backup/,
    );
    rmSync(join(dataDir, "store"), { recursive: true });
    await expect(spawnBackend({ dataDir })).rejects.toThrow(
      /exit code 1: The data folder .* has uploaded files but no store. Restore it from a backup/,
    );
    expect(readdirSync(join(dataDir, "files"))).toHaveLength(1);
  });
});
