"use client";
import { Keyboard } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { cn } from "../cn";
import { Brand } from "./Brand";
import { MemberCard } from "./MemberCard";
import { isHere, PLACES } from "./navigation";

export function Sidebar({ onHelp }: { onHelp: () => void }) {
  const pathname = usePathname();
  return (
    <aside className="sticky top-0 hidden h-dvh w-[212px] shrink-0 flex-col border-r border-line bg-panel/50 lg:flex">
      <Link href="/" className="flex h-13 items-center px-5" aria-label="Assay, overview">
        <Brand />
      </Link>
      <nav aria-label="Pages" className="flex flex-1 flex-col gap-0.5 overflow-y-auto px-2.5 py-2">
        {PLACES.map(({ href, label, icon: Icon, key }) => {
          const isCurrent = isHere(href, pathname);
          return (
            <Link
              key={href}
              href={href}
              aria-current={isCurrent ? "page" : undefined}
              className={cn(
                "group flex h-8.5 items-center gap-2.5 rounded-md px-2.5 text-[13px] transition-colors",
                isCurrent ? "bg-raised font-medium text-ink" : "text-soft hover:bg-raised/60 hover:text-ink",
              )}
            >
              <Icon className={cn("size-4", isCurrent ? "text-gold" : "text-faint")} aria-hidden />
              {label}
              <kbd
                className="ml-auto font-mono text-[10px] text-faint opacity-0 group-hover:opacity-100"
                aria-hidden
              >
                g {key}
              </kbd>
            </Link>
          );
        })}
      </nav>
      <button
        type="button"
        onClick={onHelp}
        className="mx-2.5 mb-1 flex h-8.5 items-center gap-2.5 rounded-md px-2.5 text-[13px] text-soft hover:bg-raised/60 hover:text-ink"
      >
        <Keyboard className="size-4 text-faint" aria-hidden /> Keys and display
      </button>
      <MemberCard />
    </aside>
  );
}
