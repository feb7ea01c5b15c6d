"use client";
import type { ReactNode } from "react";
import { cn } from "../cn";
import { Boundary } from "./Boundary";

interface PanelProps {
  title?: ReactNode;
  hint?: ReactNode;
  actions?: ReactNode;
  className?: string;
  /** Removes the inner padding, for tables and charts that reach the edges. */
  flush?: boolean;
  children: ReactNode;
  "data-testid"?: string;
}

/** One question and its answer. An error inside stays inside: the rest of the page goes on. */
export function Panel({ title, hint, actions, className, flush, children, ...rest }: PanelProps) {
  return (
    <section
      className={cn("flex min-w-0 flex-col rounded-lg border border-line bg-panel", className)}
      {...rest}
    >
      {title !== undefined || actions !== undefined ? (
        <header className="flex min-h-11 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-4 py-1.5">
          <h2 className="text-[13px] font-semibold">{title}</h2>
          {hint ? <p className="min-w-0 text-[12px] text-faint">{hint}</p> : null}
          {actions ? <div className="ml-auto flex flex-wrap items-center gap-1.5">{actions}</div> : null}
        </header>
      ) : null}
      <div className={cn("min-h-0 min-w-0 flex-1", flush ? "" : "p-4")}>
        <Boundary>{children}</Boundary>
      </div>
    </section>
  );
}

interface PageHeaderProps {
  title: ReactNode;
  lead?: ReactNode;
  actions?: ReactNode;
}

export function PageHeader({ title, lead, actions }: PageHeaderProps) {
  return (
    <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
      <div className="min-w-0">
        <h1 className="text-[19px] leading-7 font-semibold tracking-tight">{title}</h1>
        {lead ? <p className="text-[13px] text-faint">{lead}</p> : null}
      </div>
      {actions ? (
        <div className="flex max-w-full min-w-0 flex-wrap items-center gap-2 sm:ml-auto">{actions}</div>
      ) : null}
    </div>
  );
}

/** The frame of a page: one column of panels with even gaps. */
export function Page({ children }: { children: ReactNode }) {
  return <div className="mx-auto flex w-full max-w-[1600px] min-w-0 flex-col gap-4">{children}</div>;
}
