import { Readable } from "node:stream";
import type { Prng } from "../../lib/core/prng";
import type { Ports } from "../../local/backend/ports";
import type { Disk, FileShelf } from "../../local/backend/store/disk";
import { OperatorError, type Store, type StoreWrite } from "../../local/backend/store/store";
import { Rows, readerOf, snapshotOf } from "./memoryStore";

const never = new Promise<never>(() => {});

function bytesOf(writes: readonly StoreWrite[]): number {
  return writes.reduce((sum, [key, value]) => sum + key.length + (value?.length ?? 0), 0);
}

/**
 * A disk in memory that loses what a real one may lose. Writes reach a log in order; a durable one resolves after a virtual
 * fsync that makes the log up to it safe. A killed process loses at most the batch it was writing; a power cut loses any
 * suffix of what is not safe. A batch is never half there: the engine's checksums see to that.
 */
export class SimulatedDisk {
  private safe = new Rows();
  /** Written to the log and not yet safe, oldest first. */
  private unsafe: StoreWrite[][] = [];
  private inFlight: StoreWrite[] | null = null;
  private readonly keptFiles = new Map<string, Uint8Array>();
  /** Renamed, but the folder is not fsynced yet. */
  private readonly renamed = new Map<string, Uint8Array>();
  private mounted = 0;
  private isLocked = false;
  /** Bytes that may still be written before the disk is full. */
  roomBytes = Number.POSITIVE_INFINITY;
  /** While true, writes take no virtual time (a backend that opens is awaited in real time). */
  instant = false;
  /** Writes until the process hangs inside one, for crashes while it opens. */
  hangAfterWrites = Number.POSITIVE_INFINITY;
  onHang: () => void = () => {};

  constructor(private readonly prng: Prng) {}

  /** Everything written, safe or not. */
  private get written(): Rows {
    return this.unsafe.reduce((rows, batch) => rows.with(batch), this.safe);
  }

  /** Ends the process that has the disk; what it was doing never answers. */
  end(how: "kill" | "powerCut"): void {
    if (this.inFlight && this.prng.nextInt(2) === 0) this.unsafe.push(this.inFlight);
    this.inFlight = null;
    const kept = how === "kill" ? this.unsafe.length : this.prng.nextInt(this.unsafe.length + 1);
    this.safe = this.unsafe.slice(0, kept).reduce((rows, batch) => rows.with(batch), this.safe);
    this.unsafe = [];
    for (const [name, bytes] of this.renamed) {
      if (how === "kill" || this.prng.nextInt(2) === 0) this.keptFiles.set(name, bytes);
    }
    this.renamed.clear();
    this.mounted++;
    this.isLocked = false;
    this.hangAfterWrites = Number.POSITIVE_INFINITY;
  }

  /** What the disk holds, in order, for a digest. */
  contents(): { rows: Rows; files: Array<[string, Uint8Array]> } {
    return { rows: this.written, files: [...this.keptFiles].sort(([a], [b]) => (a < b ? -1 : 1)) };
  }

  /** The disk as one process sees it. */
  mount(ports: Ports): Disk {
    const mine = this.mounted;
    const pause = async () => {
      if (mine !== this.mounted) return never;
      if (!this.instant) await new Promise<void>((resolve) => ports.setTimer(this.prng.nextInt(4), resolve));
      if (mine !== this.mounted) return never;
    };
    return {
      openStore: async () => {
        if (this.isLocked) throw new OperatorError("The data folder is in use by another backend process.");
        this.isLocked = true;
        return this.openStore(mine, pause);
      },
      files: this.shelf(pause),
      freeBytes: async () => this.roomBytes,
      usedBytes: async () => ({ store: 0, files: 0 }),
    };
  }

  private openStore(mine: number, pause: () => Promise<void>): Store {
    let live = this.safe;
    let tail: Promise<unknown> = Promise.resolve();
    const write = async (writes: StoreWrite[], durable: boolean) => {
      if (this.hangAfterWrites-- <= 0) {
        this.inFlight = writes;
        this.onHang();
        return never;
      }
      this.inFlight = writes;
      await pause();
      this.inFlight = null;
      if (bytesOf(writes) > this.roomBytes) throw new Error("IO error: No space left on device");
      this.roomBytes -= bytesOf(writes);
      this.unsafe.push(writes);
      live = live.with(writes);
      if (!durable) return;
      await pause();
      this.safe = this.written;
      this.unsafe = [];
    };
    return {
      ...readerOf(() => live),
      snapshot: () => snapshotOf(live),
      write: (writes, { durable }) => {
        const done = tail.then(() => write(writes, durable));
        tail = done.catch(() => undefined);
        return done;
      },
      close: async () => {
        if (mine === this.mounted) this.isLocked = false;
      },
    };
  }

  private shelf(pause: () => Promise<void>): FileShelf {
    return {
      async open() {},
      list: async () => [...this.keptFiles.keys()].sort(),
      create: async (name) => {
        const chunks: Uint8Array[] = [];
        return {
          write: async (chunk) => void chunks.push(chunk),
          keep: async () => {
            const bytes = Buffer.concat(chunks);
            await pause();
            if (bytes.length > this.roomBytes) throw new Error("ENOSPC: no space left on device, write");
            this.roomBytes -= bytes.length;
            this.renamed.set(name, bytes);
            await pause();
            this.renamed.delete(name);
            this.keptFiles.set(name, bytes);
          },
          discard: async () => {},
        };
      },
      read: (name, start, end) => Readable.from([this.fileAt(name).subarray(start, end + 1)]),
      blob: async (name, type) => new Blob([Buffer.from(this.fileAt(name))], { type }),
      remove: async (name) => void this.keptFiles.delete(name),
    };
  }

  private fileAt(name: string): Uint8Array {
    const bytes = this.keptFiles.get(name);
    if (!bytes) throw new Error(`ENOENT: no such file ${name}`);
    return bytes;
  }
}
