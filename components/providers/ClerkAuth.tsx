"use client";
/** Everything of Clerk is in this file; it is loaded only when Clerk's publishable key is set. */
import { ClerkProvider, SignIn, useAuth } from "@clerk/nextjs";
import { type ConvexReactClient, useConvexAuth } from "convex/react";
import { ConvexProviderWithClerk } from "convex/react-clerk";
import type { ReactNode } from "react";

interface ClerkAuthProps {
  client: ConvexReactClient;
  publishableKey: string;
  children: ReactNode;
}

function Gate({ children }: { children: ReactNode }) {
  const { isLoaded, isSignedIn } = useAuth();
  const { isLoading } = useConvexAuth();
  if (!isLoaded || (isSignedIn && isLoading)) return null;
  if (isSignedIn) return children;
  return (
    <div className="flex min-h-dvh items-center justify-center">
      <SignIn routing="hash" />
    </div>
  );
}

export default function ClerkAuth({ client, publishableKey, children }: ClerkAuthProps) {
  return (
    <ClerkProvider publishableKey={publishableKey}>
      <ConvexProviderWithClerk client={client} useAuth={useAuth}>
        <Gate>{children}</Gate>
      </ConvexProviderWithClerk>
    </ClerkProvider>
  );
}
