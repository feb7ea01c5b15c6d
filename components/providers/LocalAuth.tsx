"use client";
import { ConvexProviderWithAuth, type ConvexReactClient } from "convex/react";
import { type ReactNode, useCallback, useMemo, useRef, useState } from "react";

/** A token younger than this is reused when nobody asks for a fresh one. */
const REUSE_MS = 50 * 60_000;

/** The local session's token for the control plane; a refused session counts as signed out. */
function useLocalAuth() {
  const [isAuthenticated, setIsAuthenticated] = useState(true);
  const cached = useRef<{ token: string; atMs: number } | null>(null);
  const fetchAccessToken = useCallback(async ({ forceRefreshToken }: { forceRefreshToken: boolean }) => {
    if (!forceRefreshToken && cached.current !== null && Date.now() - cached.current.atMs < REUSE_MS) {
      return cached.current.token;
    }
    const response = await fetch("/api/auth/token", { cache: "no-store" });
    if (response.status === 401) {
      setIsAuthenticated(false);
      return null;
    }
    if (!response.ok) return null;
    const { token } = (await response.json()) as { token: string };
    cached.current = { token, atMs: Date.now() };
    return token;
  }, []);
  return useMemo(
    () => ({ isLoading: false, isAuthenticated, fetchAccessToken }),
    [isAuthenticated, fetchAccessToken],
  );
}

export function LocalAuth({ client, children }: { client: ConvexReactClient; children: ReactNode }) {
  return (
    <ConvexProviderWithAuth client={client} useAuth={useLocalAuth}>
      {children}
    </ConvexProviderWithAuth>
  );
}
