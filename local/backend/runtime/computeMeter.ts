import type { Ports } from "../ports";

const CPU_READ_SHARE = 0.05;

/** The calls of one backend whose own code may be running now, so that nobody is charged for a neighbour's computing. */
export class ComputeClock {
  runnable = 0;
  /** Stretches begun since the start. */
  begun = 0;
  private cpuMs = 0;
  private readAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    readonly ports: Ports,
    readonly limitMs: number,
  ) {}

  /** Processor time a twentieth of the limit ago at most: to read it is a system call, as dear as all the reads of a small query. */
  recentCpuMs(): number {
    const nowMs = this.ports.elapsedMs();
    if (nowMs - this.readAtMs >= this.limitMs * CPU_READ_SHARE) {
      this.readAtMs = nowMs;
      this.cpuMs = this.ports.cpuMs();
    }
    return this.cpuMs;
  }

  start(): ComputeMeter {
    return new ComputeMeter(this);
  }
}

/**
 * Milliseconds that one query or mutation has computed, measured after the fact: from where its code goes on to where it waits
 * for the database again. A stretch in which another call's code could have run too counts for neither. A function is over
 * the limit only when the process has also used that much processor time meanwhile: a busy machine is not its fault.
 */
export class ComputeMeter {
  private usedMs = 0;
  private sinceMs: number | null = null;
  private begunThen = 0;
  private wasAlone = false;
  private isOver = false;
  private readonly cpuThenMs: number;

  constructor(private readonly clock: ComputeClock) {
    this.cpuThenMs = clock.recentCpuMs();
  }

  /** The function's code is about to run. */
  resume(): void {
    if (this.sinceMs !== null || this.isOver) return;
    this.wasAlone = this.clock.runnable++ === 0;
    this.begunThen = ++this.clock.begun;
    this.sinceMs = this.clock.ports.elapsedMs();
  }

  /** The function waits, or is done. */
  pause(): void {
    if (this.sinceMs === null) return;
    this.clock.runnable--;
    if (this.wasAlone && this.clock.begun === this.begunThen)
      this.usedMs += this.clock.ports.elapsedMs() - this.sinceMs;
    this.sinceMs = null;
  }

  /** The call has answered; what it left behind is not measured. */
  end(): void {
    this.pause();
    this.isOver = true;
  }

  /** Throws Convex's sentence when the function has computed for too long. */
  assertWithinLimit(): void {
    const { limitMs, ports } = this.clock;
    if (this.usedMs <= limitMs || ports.cpuMs() - this.cpuThenMs <= limitMs) return;
    throw new Error(`Function execution timed out (maximum duration: ${limitMs / 1000}s)`);
  }
}
