import type { ReactNode } from "react";
import { ConsoleProviders } from "@/components/providers/ConsoleProviders";
import { ConsoleShell } from "@/components/shell/ConsoleShell";
import { RedirectToSignIn } from "@/components/shell/RedirectToSignIn";
import { ErrorState } from "@/components/ui/States";
import { ConfigurationError, convexUrl, readSession } from "../_server/session";

/** Settings are read at request time, so that one build serves any desk. */
export const dynamic = "force-dynamic";

type Gate =
  | { kind: "ready"; url: string; clerkKey: string | null }
  | { kind: "signedOut" }
  | { kind: "broken"; why: string };

async function gate(): Promise<Gate> {
  const clerkKey = process.env.NEXT_PUBLIC_CLERK_PUBLISHABLE_KEY || null;
  try {
    const url = convexUrl();
    if (clerkKey === null && (await readSession()) === null) return { kind: "signedOut" };
    return { kind: "ready", url, clerkKey };
  } catch (error) {
    if (error instanceof ConfigurationError) return { kind: "broken", why: error.message };
    throw error;
  }
}

export default async function ConsoleLayout({ children }: { children: ReactNode }) {
  const state = await gate();
  if (state.kind === "signedOut") return <RedirectToSignIn />;
  if (state.kind === "broken") {
    return (
      <main className="flex min-h-dvh items-center justify-center">
        <ErrorState message={state.why} />
      </main>
    );
  }
  return (
    <ConsoleProviders convexUrl={state.url} clerkPublishableKey={state.clerkKey}>
      <ConsoleShell>{children}</ConsoleShell>
    </ConsoleProviders>
  );
}
