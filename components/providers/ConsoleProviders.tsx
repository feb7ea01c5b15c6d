"use client";
import { ConvexReactClient } from "convex/react";
import dynamic from "next/dynamic";
import { type ReactNode, useState } from "react";
import { LocalAuth } from "./LocalAuth";

const ClerkAuth = dynamic(() => import("./ClerkAuth"), { ssr: false });

interface ConsoleProvidersProps {
  convexUrl: string;
  clerkPublishableKey: string | null;
  children: ReactNode;
}

/** One connection to the control plane for the whole console. */
export function ConsoleProviders({ convexUrl, clerkPublishableKey, children }: ConsoleProvidersProps) {
  const [client] = useState(() => new ConvexReactClient(convexUrl, { unsavedChangesWarning: false }));
  if (clerkPublishableKey === null) return <LocalAuth client={client}>{children}</LocalAuth>;
  return (
    <ClerkAuth client={client} publishableKey={clerkPublishableKey}>
      {children}
    </ClerkAuth>
  );
}
