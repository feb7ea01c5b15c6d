"use client";
import { useConvexConnectionState, useQuery } from "convex/react";
import { HelpCircle, Moon, Octagon, Sun, TriangleAlert, WifiOff } from "lucide-react";
import Link from "next/link";
import { api } from "@/convex/_generated/api";
import { LIMITS } from "@/lib/contract/limits";
import { Age } from "../domain/Age";
import { KillChip, PaperTag } from "../domain/chips";
import { formatTimeExact } from "../format";
import { useNow } from "../providers/clock";
import { usePreferences } from "../providers/PreferencesProvider";
import { Button } from "../ui/Button";
import { Chip } from "../ui/Chip";
import { Brand } from "./Brand";

interface TopBarProps {
  onKill: () => void;
  onHelp: () => void;
}

/** On every page: what mode the desk is in, whether it may trade, whether its worker lives, and what time it is. */
export function TopBar({ onKill, onHelp }: TopBarProps) {
  const kill = useQuery(api.governance.console.killSwitch, {});
  const { theme, set } = usePreferences();
  return (
    <header className="sticky top-0 z-30 flex h-13 items-center gap-2.5 border-b border-line bg-canvas/90 px-3 backdrop-blur sm:px-5">
      <Link href="/" className="lg:hidden" aria-label="Assay, overview">
        <Brand />
      </Link>
      <div className="flex min-w-0 items-center gap-2" role="status" aria-label="State of the desk">
        <PaperTag />
        {kill === undefined ? null : (
          <Link href="/governance" className="rounded">
            <KillChip mode={kill.mode} />
          </Link>
        )}
        <Connection />
        <span className="hidden text-[12px] text-faint md:inline">
          <WorkerAge />
        </span>
      </div>
      <div className="ml-auto flex items-center gap-1">
        <span className="hidden xl:inline">
          <WallClock />
        </span>
        <Button
          tone="ghost"
          size="icon"
          aria-label={theme === "dark" ? "Use the light theme" : "Use the dark theme"}
          onClick={() => set("theme", theme === "dark" ? "light" : "dark")}
        >
          {theme === "dark" ? <Sun aria-hidden /> : <Moon aria-hidden />}
        </Button>
        <Button
          tone="ghost"
          size="icon"
          aria-label="Keyboard and preferences"
          onClick={onHelp}
          className="max-sm:hidden"
        >
          <HelpCircle aria-hidden />
        </Button>
        <Button tone="danger" size="sm" onClick={onKill} data-testid="kill-button" title="Ctrl+Shift+K">
          <Octagon aria-hidden /> Kill
        </Button>
      </div>
    </header>
  );
}

function Connection() {
  const { isWebSocketConnected, hasEverConnected } = useConvexConnectionState();
  if (isWebSocketConnected) return null;
  return (
    <Chip tone="bad" icon={WifiOff}>
      {hasEverConnected ? "Connection lost, retrying" : "Connecting"}
    </Chip>
  );
}

function WorkerAge() {
  const workers = useQuery(api.ops.console.listWorkers, {});
  if (workers === undefined) return null;
  const newest = workers[0];
  if (newest === undefined) {
    return (
      <span className="inline-flex items-center gap-1 text-warn">
        <TriangleAlert className="size-3.5" aria-hidden /> no worker has reported
      </span>
    );
  }
  return (
    <>
      worker{" "}
      <Age atMs={newest.lastHeartbeatMs} staleAfterMs={LIMITS.workerStaleMs} data-testid="worker-age" />
    </>
  );
}

function WallClock() {
  const now = useNow();
  const { zone } = usePreferences();
  return (
    <span className="mr-2 font-mono text-[12px] text-faint" suppressHydrationWarning>
      {now === null ? "" : formatTimeExact(now, zone)}
    </span>
  );
}
