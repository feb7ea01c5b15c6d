import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import WebSocket from "ws";
import type { Backend, Watch } from "./driver";

/** Drives whatever speaks Convex's protocols at a URL, with the stock clients. */
export function remoteBackend(address: {
  url: string;
  siteUrl: string;
  adminKey: string | null;
  stop(): Promise<void>;
}): Backend {
  const { url, siteUrl, adminKey } = address;
  const http = new ConvexHttpClient(url, { logger: false, skipConvexDeploymentUrlCheck: true });
  const clients: ConvexClient[] = [];
  const client = () => {
    const opened = new ConvexClient(url, {
      webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
      unsavedChangesWarning: false,
      skipConvexDeploymentUrlCheck: true,
      logger: false,
    });
    clients.push(opened);
    return opened;
  };
  let shared: ConvexClient | null = null;
  return {
    url,
    adminKey,
    query: (path, args = {}) => http.query(makeFunctionReference<"query">(path), args),
    mutation: (path, args = {}) =>
      http.mutation(makeFunctionReference<"mutation">(path), args, { skipQueue: true }),
    action: (path, args = {}) => http.action(makeFunctionReference<"action">(path), args),
    fetch: (path, init) => fetch(`${siteUrl}${path}`, init),
    client,
    watch: (path, args = {}, on) => watchOn(on ?? (shared ??= client()), path, args),
    async close() {
      await Promise.all(clients.map((opened) => opened.close()));
      await address.stop();
    },
  };
}

function watchOn<T>(client: ConvexClient, path: string, args: object): Watch<T> {
  const seen: Watch<T>["seen"] = [];
  const waiting = new Set<() => void>();
  const told = (entry: Watch<T>["seen"][number]) => {
    seen.push(entry);
    for (const look of waiting) look();
  };
  const stop = client.onUpdate(
    makeFunctionReference<"query">(path),
    args,
    (value: T) => told({ value }),
    (error: Error) => told({ error }),
  );
  return {
    seen,
    stop: () => void stop(),
    until: (predicate) =>
      new Promise((resolve) => {
        let next = 0;
        const look = () => {
          for (; next < seen.length; next++) {
            const entry = seen[next]!;
            if (!("value" in entry) || !predicate(entry.value)) continue;
            waiting.delete(look);
            return resolve(entry.value);
          }
        };
        waiting.add(look);
        look();
      }),
  };
}
