import { ConvexClient } from "convex/browser";
import WebSocket from "ws";

/** The stock subscription client over a Node socket; `Socket` may be a class that cuts its own connection. */
export function socketClient(
  url: string,
  Socket: new (address: string | URL) => WebSocket = WebSocket,
): ConvexClient {
  return new ConvexClient(url, {
    webSocketConstructor: Socket as unknown as typeof globalThis.WebSocket,
    unsavedChangesWarning: false,
    logger: false,
  });
}

/** Resolves with the first value of a subscription that satisfies the predicate. */
export function until<T>(
  client: ConvexClient,
  query: unknown,
  args: object,
  predicate: (value: T) => boolean,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = client.onUpdate(
      query as never,
      args as never,
      (value) => {
        if (!predicate(value as T)) return;
        stop();
        resolve(value as T);
      },
      reject,
    );
  });
}
