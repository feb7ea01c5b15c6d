import type { Backend } from "../backend";

/** Below this the operator is warned: the engine needs room to compact. */
export const LOW_DISK_BYTES = 512 << 20;
/** A mutation that waits longer says that the queue does not move. */
const STUCK_MS = 30_000;
const DISK_LOOK_MS = 60_000;
const WARN_AGAIN_MS = 3600_000;

export interface Health {
  /** `degraded` still serves; `stuck` does not. */
  status: "ok" | "degraded" | "stuck";
  commitQueue: number;
  /** Age of the oldest mutation that waits, ms; 0 when none does. */
  commitWaitMs: number;
  /** Age of the newest commit of this process, ms; null before the first. */
  lastCommitAgeMs: number | null;
  diskFreeBytes: number;
  reasons: string[];
}

/** How the backend is, for liveness and readiness probes. */
export async function healthOf(backend: Backend): Promise<Health> {
  const { committer, ports, disk } = backend;
  const diskFreeBytes = await disk.freeBytes();
  const { lastCommitAtMs } = committer.stats;
  const reasons: string[] = [];
  if (diskFreeBytes < LOW_DISK_BYTES) reasons.push(lowDiskSentence(diskFreeBytes));
  const isStuck = committer.waitMs > STUCK_MS;
  if (isStuck) reasons.push(`A mutation has waited for ${Math.round(committer.waitMs / 1000)} s.`);
  return {
    status: isStuck ? "stuck" : reasons.length > 0 ? "degraded" : "ok",
    commitQueue: committer.queueLength,
    commitWaitMs: Math.round(committer.waitMs),
    lastCommitAgeMs: lastCommitAtMs === null ? null : Math.round(ports.elapsedMs() - lastCommitAtMs),
    diskFreeBytes,
    reasons,
  };
}

function lowDiskSentence(freeBytes: number): string {
  return `The disk has ${Math.floor(freeBytes / (1 << 20))} MiB left; below 512 MiB make room, for at 0 the backend stops.`;
}

/** Warns in the log, at most hourly, while the disk is low. */
export class DiskWatch {
  private cancel: (() => void) | null = null;
  private warnedAtMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly backend: Backend) {}

  start(): void {
    void this.look();
    this.cancel = this.backend.ports.setTimer(DISK_LOOK_MS, () => this.start());
  }

  stop(): void {
    this.cancel?.();
  }

  private async look(): Promise<void> {
    const { disk, ports, log } = this.backend;
    const freeBytes = await disk.freeBytes().catch(() => Number.POSITIVE_INFINITY);
    if (freeBytes >= LOW_DISK_BYTES || ports.elapsedMs() - this.warnedAtMs < WARN_AGAIN_MS) return;
    this.warnedAtMs = ports.elapsedMs();
    log("warn", "disk.low", { freeBytes, message: lowDiskSentence(freeBytes) });
  }
}
