export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type Log = (level: LogLevel, event: string, fields?: Record<string, unknown>) => void;

/** Structured log: one JSON object a line on stderr, from the given level up. */
export function stderrLog(from: LogLevel): Log {
  const least = LOG_LEVELS.indexOf(from);
  return (level, event, fields = {}) => {
    if (LOG_LEVELS.indexOf(level) < least) return;
    process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`);
  };
}

export const silentLog: Log = () => {};
