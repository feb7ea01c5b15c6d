"use client";
import Link from "next/link";
import { cn } from "../cn";

interface TabsProps {
  label: string;
  current: string;
  tabs: readonly { value: string; label: string; href: string; count?: number }[];
}

/** Views of one page, each with an address of its own. */
export function Tabs({ label, current, tabs }: TabsProps) {
  return (
    <nav aria-label={label} className="flex min-w-0 gap-1 overflow-x-auto border-b border-line">
      {tabs.map(({ value, label: name, href, count }) => (
        <Link
          key={value}
          href={href}
          aria-current={value === current ? "page" : undefined}
          data-testid={`tab-${value}`}
          className={cn(
            "-mb-px inline-flex h-9 shrink-0 items-center gap-1.5 border-b-2 px-3 text-[13px] font-medium",
            value === current ? "border-gold text-ink" : "border-transparent text-soft hover:text-ink",
          )}
        >
          {name}
          {count === undefined ? null : <span className="text-[11px] text-faint">{count}</span>}
        </Link>
      ))}
    </nav>
  );
}
