/** What time the exchange says it is, in UTC milliseconds. The only clock this folder reads. */
export interface ExchangeClock {
  now(): number;
}

export interface RunningClockOptions {
  /** The computer's clock, as a function. */
  wallNow: () => number;
  originWallMs: number;
  /** Exchange time at `originWallMs`. */
  originExchangeMs: number;
  /** Exchange seconds per real second; 1 is real time. */
  speed: number;
}

/** A clock that runs `speed` times as fast as the computer's from its origin on. */
export function createRunningClock(options: RunningClockOptions): ExchangeClock {
  const { wallNow, originWallMs, originExchangeMs, speed } = options;
  return { now: () => Math.floor(originExchangeMs + (wallNow() - originWallMs) * speed) };
}

/** A clock that stands still until it is told to move; for tests. */
export function createManualClock(startMs: number): ExchangeClock & { advance(byMs: number): void } {
  let at = startMs;
  return {
    now: () => at,
    advance(byMs) {
      at += byMs;
    },
  };
}
