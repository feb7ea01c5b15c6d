import type { Prng } from "../../lib/core/prng";
import type { Ports } from "../../local/backend/ports";

interface Event {
  atMs: number;
  order: number;
  task: () => void;
}

/**
 * Time that moves only from one event to the next. Nothing else may wait for the world, so the order of everything follows
 * from the seed.
 */
export class VirtualTime {
  private events: Event[] = [];
  private order = 0;
  /** Tasks that only wait for their turn. */
  private deferred = 0;

  constructor(public nowMs: number) {}

  after(delayMs: number, task: () => void): () => void {
    const event = { atMs: this.nowMs + Math.max(0, delayMs), order: this.order++, task };
    this.events.push(event);
    return () => {
      const at = this.events.indexOf(event);
      if (at >= 0) this.events.splice(at, 1);
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  /** Lets everything that waits only for promises and for its turn run to its end. */
  async settle(): Promise<void> {
    do await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.deferred > 0);
  }

  /** Runs the events up to a time, or until `enough` says so between two of them. */
  async runUntil(endMs: number, enough: () => boolean = () => false): Promise<void> {
    await this.settle();
    while (!enough()) {
      let next: Event | undefined;
      for (const event of this.events) {
        if (!next || event.atMs < next.atMs || (event.atMs === next.atMs && event.order < next.order))
          next = event;
      }
      if (!next || next.atMs > endMs) {
        this.nowMs = Math.max(this.nowMs, endMs);
        return;
      }
      this.events.splice(this.events.indexOf(next), 1);
      this.nowMs = next.atMs;
      next.task();
      await this.settle();
    }
  }

  /** The ports of one process; after `end` none of its timers fires any more. */
  process(prng: Prng): Ports & { end(): void } {
    let alive = true;
    const start = (delayMs: number, task: () => void) => this.after(delayMs, () => alive && task());
    return {
      now: () => this.nowMs,
      elapsedMs: () => this.nowMs,
      cpuMs: () => 0,
      randomBytes: (length) => Uint8Array.from({ length }, () => prng.nextInt(256)),
      setTimer: start,
      defer: (task) => {
        this.deferred++;
        setImmediate(() => {
          this.deferred--;
          if (alive) task();
        });
      },
      end: () => {
        alive = false;
      },
    };
  }
}
