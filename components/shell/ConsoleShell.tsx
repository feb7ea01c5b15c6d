"use client";
import { useConvexAuth, useConvexConnectionState, useQuery } from "convex/react";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import { api } from "@/convex/_generated/api";
import { setServerTime } from "../providers/clock";
import { type Member, MemberProvider } from "../providers/MemberProvider";
import { usePreferences } from "../providers/PreferencesProvider";
import { Boundary } from "../ui/Boundary";
import { EmptyState, ErrorState, Skeleton, SkeletonRows } from "../ui/States";
import { CommandPalette } from "./CommandPalette";
import { HelpDialog } from "./HelpDialog";
import { KillDialog } from "./KillDialog";
import { PhoneNav } from "./PhoneNav";
import { RedirectToSignIn } from "./RedirectToSignIn";
import { Sidebar } from "./Sidebar";
import { SimulationNotice } from "./SimulationNotice";
import { TopBar } from "./TopBar";
import { useShortcuts } from "./useShortcuts";

/** Opens the console only for a member of the desk; until then it shows a frame of the same shape. */
export function ConsoleShell({ children }: { children: ReactNode }) {
  const { isLoading, isAuthenticated } = useConvexAuth();
  if (!isLoading && !isAuthenticated) return <RedirectToSignIn />;
  if (isLoading) return <ShellSkeleton />;
  return (
    <Boundary>
      <MemberGate>{children}</MemberGate>
    </Boundary>
  );
}

function MemberGate({ children }: { children: ReactNode }) {
  const member = useQuery(api.access.console.me, {});
  if (member === undefined) return <ShellSkeleton />;
  if (member === null) {
    return (
      <main className="flex min-h-dvh items-center justify-center">
        <EmptyState
          title="You are signed in, but not a member of this desk"
          command="npm run -s assay -- sign-in"
        >
          Ask an admin for an invitation link, or print a new sign-in link on the machine of the desk.
        </EmptyState>
      </main>
    );
  }
  return <Shell member={member}>{children}</Shell>;
}

function Shell({ member, children }: { member: Member; children: ReactNode }) {
  const [isHelpOpen, setHelpOpen] = useState(false);
  const [isKillOpen, setKillOpen] = useState(false);
  const { keys } = usePreferences();
  const openHelp = useCallback(() => setHelpOpen(true), []);
  const [isPaletteOpen, setPaletteOpen] = useState(false);
  const openPalette = useCallback(() => setPaletteOpen(true), []);
  const openKill = useCallback(() => setKillOpen(true), []);
  useShortcuts({ singleKeys: keys === "on", onHelp: openHelp, onKill: openKill, onPalette: openPalette });
  return (
    <MemberProvider member={member}>
      <ClockSync />
      <a
        href="#content"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded focus:bg-gold focus:px-3 focus:py-2 focus:text-gold-ink"
      >
        Skip to content
      </a>
      <div className="flex min-h-dvh">
        <Sidebar onHelp={openHelp} />
        <div className="flex min-w-0 flex-1 flex-col pb-16 lg:pb-0">
          <TopBar onKill={openKill} onHelp={openHelp} />
          <main id="content" className="min-w-0 flex-1 p-3 sm:p-5">
            <Boundary>{children}</Boundary>
          </main>
          <SimulationNotice />
        </div>
      </div>
      <PhoneNav onHelp={openHelp} />
      <HelpDialog open={isHelpOpen} onOpenChange={setHelpOpen} />
      <CommandPalette
        open={isPaletteOpen}
        onOpenChange={setPaletteOpen}
        onKill={() => setKillOpen(true)}
        onHelp={openHelp}
      />
      <KillDialog open={isKillOpen} onOpenChange={setKillOpen} />
    </MemberProvider>
  );
}

/** Ages are counted by the server's clock; this keeps the page's clock in step with it. */
function ClockSync() {
  const serverMs = useQuery(api.ops.console.serverClock, {});
  useEffect(() => {
    if (typeof serverMs === "number") setServerTime(serverMs);
  }, [serverMs]);
  return null;
}

/** A start takes well under a second; after this long an operator wants to know why. */
const LATE_MS = 4_000;

function ShellSkeleton() {
  const { isWebSocketConnected } = useConvexConnectionState();
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), LATE_MS);
    return () => clearTimeout(timer);
  }, []);
  if (isLate && !isWebSocketConnected) {
    return (
      <main className="flex min-h-dvh items-center justify-center" data-testid="no-connection">
        <ErrorState message="The control plane does not answer. Start the desk with npm start, or check its backend; this page goes on by itself as soon as it answers." />
      </main>
    );
  }
  return (
    <div className="flex min-h-dvh" role="status" aria-label="Opening the desk">
      <div className="hidden w-[212px] shrink-0 border-r border-line lg:block" />
      <div className="min-w-0 flex-1">
        <div className="h-13 border-b border-line" />
        <div className="flex flex-col gap-4 p-5">
          <Skeleton className="h-7 w-48" />
          <div className="rounded-lg border border-line bg-panel">
            <SkeletonRows rows={6} />
          </div>
        </div>
      </div>
    </div>
  );
}
