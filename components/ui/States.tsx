"use client";
import { AlertTriangle, type LucideIcon, RotateCw } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "../cn";
import { Button } from "./Button";
import { CopyText } from "./CopyText";

export function Skeleton({ className }: { className?: string }) {
  return <div className={cn("skeleton h-4", className)} aria-hidden />;
}

/** Rows of the height that the table will have, so that nothing moves when it arrives. */
export function SkeletonRows({ rows = 5 }: { rows?: number }) {
  return (
    <div className="flex flex-col gap-2.5 p-4" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: placeholders have no identity
        <Skeleton key={i} className={i % 3 === 2 ? "w-2/3" : "w-full"} />
      ))}
    </div>
  );
}

interface EmptyStateProps {
  icon?: LucideIcon;
  title: string;
  children?: ReactNode;
  command?: string;
  action?: ReactNode;
}

/** Nothing here yet, and what to do so that there is. */
export function EmptyState({ icon: Icon, title, children, command, action }: EmptyStateProps) {
  return (
    <div className="flex flex-col items-center gap-2.5 px-4 py-8 text-center">
      {Icon ? <Icon className="size-6 text-faint" aria-hidden /> : null}
      <p className="text-[14px] font-medium">{title}</p>
      {children ? <p className="max-w-[52ch] text-[13px] text-soft">{children}</p> : null}
      {command ? <CommandLine command={command} /> : null}
      {action}
    </div>
  );
}

/** A command to paste into a terminal. */
export function CommandLine({ command }: { command: string }) {
  return (
    <div className="flex max-w-full items-center gap-2 rounded-md border border-line bg-canvas py-1 pr-1 pl-3 text-left">
      <code className="min-w-0 overflow-x-auto font-mono text-[12px] whitespace-nowrap text-soft">
        {command}
      </code>
      <CopyText text={command} label="Copy command" />
    </div>
  );
}

export function ErrorState({ message, onRetry }: { message: string; onRetry?: () => void }) {
  return (
    <div role="alert" className="flex flex-col items-center gap-3 px-4 py-8 text-center">
      <AlertTriangle className="size-6 text-bad" aria-hidden />
      <p className="max-w-[60ch] text-[13px] break-words text-ink">{message}</p>
      {onRetry ? (
        <Button size="sm" onClick={onRetry}>
          <RotateCw aria-hidden /> Try again
        </Button>
      ) : null}
    </div>
  );
}

/** An error beside the control that caused it. */
export function InlineError({ message }: { message: string | null }) {
  if (message === null) return null;
  return (
    <p role="alert" className="flex items-start gap-1.5 text-[12px] text-bad">
      <AlertTriangle className="mt-0.5 size-3.5 shrink-0" aria-hidden />
      <span className="min-w-0 break-words">{message}</span>
    </p>
  );
}
