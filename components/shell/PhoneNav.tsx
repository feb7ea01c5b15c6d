"use client";
import { Menu } from "lucide-react";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { useEffect, useState } from "react";
import { cn } from "../cn";
import { Dialog } from "../ui/Dialog";
import { MemberCard } from "./MemberCard";
import { isHere, PHONE_PLACES, PLACES } from "./navigation";

const ITEM = "flex min-w-0 flex-1 flex-col items-center justify-center gap-0.5 text-[10px]";

export function PhoneNav({ onHelp }: { onHelp: () => void }) {
  const pathname = usePathname();
  const [isOpen, setOpen] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the menu closes when the page changes
  useEffect(() => setOpen(false), [pathname]);
  return (
    <nav
      aria-label="Pages"
      className="fixed inset-x-0 bottom-0 z-30 flex h-15 border-t border-line bg-panel pb-[env(safe-area-inset-bottom)] lg:hidden"
    >
      {PHONE_PLACES.map((href) => PLACES.find((place) => place.href === href)!).map(
        ({ href, label, icon: Icon }) => (
          <Link
            key={href}
            href={href}
            aria-current={isHere(href, pathname) ? "page" : undefined}
            className={cn(ITEM, isHere(href, pathname) ? "text-gold" : "text-faint")}
          >
            <Icon className="size-5" aria-hidden />
            {label}
          </Link>
        ),
      )}
      <button type="button" className={cn(ITEM, "text-faint")} onClick={() => setOpen(true)}>
        <Menu className="size-5" aria-hidden /> More
      </button>
      <Dialog open={isOpen} onOpenChange={setOpen} title="Pages">
        <div className="flex flex-col p-2">
          {PLACES.map(({ href, label, icon: Icon }) => (
            <Link
              key={href}
              href={href}
              className="flex h-11 items-center gap-3 rounded-md px-3 text-[14px] hover:bg-raised"
            >
              <Icon className="size-4.5 text-faint" aria-hidden />
              {label}
            </Link>
          ))}
          <button
            type="button"
            className="h-11 rounded-md px-3 text-left text-[14px] text-soft hover:bg-raised"
            onClick={() => {
              setOpen(false);
              onHelp();
            }}
          >
            Keys and display
          </button>
        </div>
        <MemberCard />
      </Dialog>
    </nav>
  );
}
