import type { ReactNode } from "react";
import { cn } from "../cn";

interface FigureProps {
  label: string;
  children: ReactNode;
  note?: ReactNode;
  className?: string;
  "data-testid"?: string;
}

/** A label, a figure and what puts it in proportion. */
export function Figure({ label, children, note, className, ...rest }: FigureProps) {
  return (
    <div className={cn("min-w-0", className)}>
      <dt className="eyebrow truncate">{label}</dt>
      <dd className="mt-0.5 truncate text-[16px] leading-6 font-semibold" {...rest}>
        {children}
      </dd>
      {note ? <dd className="truncate text-[12px] text-faint">{note}</dd> : null}
    </div>
  );
}

export function FigureGrid({ children, className }: { children: ReactNode; className?: string }) {
  return <dl className={cn("grid grid-cols-2 gap-x-4 gap-y-4 sm:grid-cols-4", className)}>{children}</dl>;
}

/** Label and value on one line; for provenance, manifests and settings. */
export function Facts({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="divide-y divide-line/60 text-[13px]">
      {rows.map(([label, value]) => (
        <div key={label} className="flex min-h-8 items-center justify-between gap-4 py-1">
          <dt className="shrink-0 text-faint">{label}</dt>
          <dd className="min-w-0 text-right">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A change with its arrow word: colour, sign and text say the same thing. */
export function Change({ value, children }: { value: number | null | undefined; children: ReactNode }) {
  const tone =
    value === null || value === undefined || value === 0 ? "text-ink" : value > 0 ? "text-up" : "text-down";
  return <span className={tone}>{children}</span>;
}

interface ProgressBarProps {
  fraction: number;
  label: string;
}

export function ProgressBar({ fraction, label }: ProgressBarProps) {
  const percent = Math.max(0, Math.min(100, fraction * 100));
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(percent)}
      className="h-1.5 w-full overflow-hidden rounded-full bg-raised"
    >
      <div
        className="h-full rounded-full bg-gold transition-[width] duration-300"
        style={{ width: `${percent}%` }}
      />
    </div>
  );
}
