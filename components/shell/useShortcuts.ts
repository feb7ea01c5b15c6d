"use client";
import { useRouter } from "next/navigation";
import { useEffect } from "react";
import { PLACES } from "./navigation";

const SEQUENCE_MS = 1200;

interface ShortcutHandlers {
  singleKeys: boolean;
  onHelp: () => void;
  onKill: () => void;
  onPalette: () => void;
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}

function moveRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("main tr[data-row][tabindex]")];
  if (rows.length === 0) return;
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = at === -1 ? 0 : Math.max(0, Math.min(rows.length - 1, at + step));
  rows[next]?.focus();
  rows[next]?.scrollIntoView({ block: "nearest" });
}

/** Keys move and open; none of them trades. Ctrl+Shift+K only opens the dialog that asks. */
export function useShortcuts({ singleKeys, onHelp, onKill, onPalette }: ShortcutHandlers): void {
  const router = useRouter();
  useEffect(() => {
    let goSince = 0;
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.shiftKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        onKill();
        return;
      }
      if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key === "k") {
        event.preventDefault();
        if (document.querySelector('[role="dialog"]') === null) onPalette();
        return;
      }
      if (!singleKeys || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('[role="dialog"]') !== null) return;
      if (goSince !== 0 && event.timeStamp - goSince < SEQUENCE_MS) {
        goSince = 0;
        const place = PLACES.find((candidate) => candidate.key === event.key);
        if (place !== undefined) {
          event.preventDefault();
          router.push(place.href);
        }
        return;
      }
      goSince = 0;
      if (event.key === "g") goSince = event.timeStamp;
      else if (event.key === "?") onHelp();
      else if (event.key === "j") moveRow(1);
      else if (event.key === "k") moveRow(-1);
      else if (event.key === "/") {
        const filter = document.querySelector<HTMLElement>("main [data-filter]");
        if (filter === null) return;
        event.preventDefault();
        filter.focus();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [router, singleKeys, onHelp, onKill, onPalette]);
}
