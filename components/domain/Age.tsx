"use client";
import { AlertTriangle } from "lucide-react";
import { cn } from "../cn";
import { formatAge, formatDuration, formatTime, formatTimeExact } from "../format";
import { useNow } from "../providers/clock";
import { usePreferences } from "../providers/PreferencesProvider";

interface AgeProps {
  atMs: number | null | undefined;
  /** Older than this is stale, and said so in a word. */
  staleAfterMs?: number;
  className?: string;
  "data-testid"?: string;
}

/** "12 s ago", ticking; stale values get a word and an icon besides their colour. */
export function Age({ atMs, staleAfterMs, className, ...rest }: AgeProps) {
  const now = useNow();
  const { zone } = usePreferences();
  if (atMs === null || atMs === undefined) return <span className={cn("text-faint", className)}>never</span>;
  const ageMs = now === null ? null : now - atMs;
  const isStale = staleAfterMs !== undefined && ageMs !== null && ageMs > staleAfterMs;
  return (
    <time
      dateTime={new Date(atMs).toISOString()}
      title={formatTimeExact(atMs, zone)}
      className={cn("whitespace-nowrap", isStale && "inline-flex items-center gap-1 text-warn", className)}
      {...rest}
    >
      {isStale ? <AlertTriangle className="size-3.5" aria-hidden /> : null}
      {isStale ? "stale, " : ""}
      {formatAge(ageMs)}
    </time>
  );
}

/** A point in time in the operator's zone, to the second on hover. */
export function When({ atMs, className }: { atMs: number | null | undefined; className?: string }) {
  const { zone } = usePreferences();
  if (atMs === null || atMs === undefined) return <span className="text-faint">—</span>;
  return (
    <time
      dateTime={new Date(atMs).toISOString()}
      title={formatTimeExact(atMs, zone)}
      className={cn("whitespace-nowrap", className)}
      suppressHydrationWarning
    >
      {formatTime(atMs, zone)}
    </time>
  );
}

/** Time since a start, ticking, or the fixed span once it has ended. */
export function Elapsed({ fromMs, toMs }: { fromMs: number | undefined; toMs: number | undefined }) {
  const now = useNow();
  if (fromMs === undefined) return <span className="text-faint">—</span>;
  const end = toMs ?? now;
  return <span className="whitespace-nowrap">{end === null ? "—" : formatDuration(end - fromMs)}</span>;
}
