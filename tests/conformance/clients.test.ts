import { randomUUID } from "node:crypto";
import { ConvexHttpClient } from "convex/browser";
import { fetchAction, fetchMutation, fetchQuery, preloadedQueryResult, preloadQuery } from "convex/nextjs";
import { ConvexReactClient } from "convex/react";
import { makeFunctionReference } from "convex/server";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import WebSocket from "ws";
import { socketClient } from "../backend/clients";
import { type CuttingProxy, startCuttingProxy } from "../backend/cuttingProxy";
import type { Backend } from "./drivers/driver";
import { startEmbedded } from "./drivers/embedded";

/**
 * The stock clients against the embedded backend, through a proxy that cuts their connections in the middle of messages. A deployment
 * behind TLS cannot be cut this way, so this file runs on the embedded backend only. React runs as its client class: without a DOM
 * there is nothing to render into, and the hooks only read from this class.
 */
const query = (path: string) => makeFunctionReference<"query">(path);
const mutation = (path: string) => makeFunctionReference<"mutation">(path);

let backend: Backend;
const proxies: CuttingProxy[] = [];

async function proxied(seed: number, maxBytes: number, maxCuts = 3): Promise<CuttingProxy> {
  const proxy = await startCuttingProxy(backend.url, { seed, maxBytes, maxCuts });
  proxies.push(proxy);
  return proxy;
}

function reactClient(url: string): ConvexReactClient {
  return new ConvexReactClient(url, {
    webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
    unsavedChangesWarning: false,
    logger: false,
  });
}

beforeAll(async () => {
  backend = await startEmbedded();
});

afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await backend?.close();
});

// What takes time here is waiting for clients to come back, so the cases wait together.
describe.concurrent("through cut connections", () => {
  describe("the browser client through cut connections", () => {
    for (const seed of [1, 2]) {
      it(`loses and doubles no mutation and ends on the right value, never going back (seed ${seed})`, async () => {
        const group = randomUUID();
        const proxy = await proxied(seed, 20_000);
        const client = socketClient(proxy.url);
        const seen: number[] = [];
        client.onUpdate(query("accounts:balance"), { group, owner: "n" }, (value: number | null) =>
          seen.push(value ?? 0),
        );
        const results = await Promise.all(
          Array.from({ length: 150 }, () =>
            client.mutation(mutation("accounts:add"), { group, owner: "n", amount: 1 }),
          ),
        );
        expect([...results].sort((a, b) => a - b)).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
        expect(await backend.query("accounts:balance", { group, owner: "n" })).toBe(150);
        await vi.waitFor(() => expect(seen.at(-1)).toBe(150), { timeout: 20_000 });
        expect(seen).toEqual([...seen].sort((a, b) => a - b));
        expect(proxy.cuts).toBe(3);
        await client.close();
      });
    }

    it("shows its own mutation's effect when the mutation's promise resolves", async () => {
      const group = randomUUID();
      const proxy = await proxied(11, 4_000);
      const client = socketClient(proxy.url);
      let shown = 0;
      client.onUpdate(query("accounts:balance"), { group, owner: "n" }, (value: number | null) => {
        shown = value ?? 0;
      });
      for (let i = 1; i <= 25; i++) {
        await client.mutation(mutation("accounts:add"), { group, owner: "n", amount: 1 });
        await new Promise((resolve) => setTimeout(resolve));
        expect(shown).toBeGreaterThanOrEqual(i);
      }
      expect(proxy.cuts).toBeGreaterThan(0);
      await client.close();
    });
  });

  describe("the React client through cut connections", () => {
    it("keeps live pages without gap and overlap, and every query right at the end", async () => {
      const group = randomUUID();
      const numbers = Array.from({ length: 12 }, (_, i) => i * 10);
      await backend.mutation("rows:insert", { values: numbers.map((a) => ({ group, a })) });
      const proxy = await proxied(21, 12_000);
      const client = reactClient(proxy.url);
      type Page = { page: Array<{ a: number }>; isDone: boolean; continueCursor: string };
      const scan = { index: "by_a", range: [{ op: "eq", field: "group", value: group }] };
      const watches: Array<{ localQueryResult(): Page | undefined }> = [];
      for (let cursor: string | null = null; ; ) {
        const paginationOpts = { numItems: 4, cursor };
        const watch = client.watchQuery(query("rows:page"), { scan, paginationOpts });
        const page = await new Promise<Page>((resolve) => {
          const look = () => {
            const result = watch.localQueryResult() as Page | undefined;
            if (result) resolve(result);
          };
          watch.onUpdate(look);
          look();
        });
        watches.push(watch as (typeof watches)[number]);
        if (page.isDone) break;
        cursor = page.continueCursor;
      }
      const model = new Set(numbers);
      for (let i = 0; i < 40; i++) {
        const a = (i * 37) % 115;
        if (model.has(a)) continue;
        model.add(a);
        await client.mutation(mutation("rows:insert"), { values: [{ group, a }] });
        const shown = watches.flatMap((watch) => watch.localQueryResult()!.page.map((row) => row.a));
        expect(shown).toEqual([...model].sort((x, y) => x - y));
      }
      expect(proxy.cuts).toBeGreaterThan(0);
      await client.close();
    });

    it("takes optimistic updates back when the truth arrives", async () => {
      const group = randomUUID();
      const client = reactClient(backend.url);
      const args = { group, owner: "n" };
      const watch = client.watchQuery(query("accounts:balance"), args);
      const seen: unknown[] = [];
      watch.onUpdate(() => seen.push(watch.localQueryResult()));
      await vi.waitFor(() => expect(watch.localQueryResult()).toBe(null));
      await client.mutation(
        mutation("accounts:add"),
        { ...args, amount: 5 },
        {
          optimisticUpdate: (store) => store.setQuery(query("accounts:balance"), args, 99),
        },
      );
      expect(watch.localQueryResult()).toBe(5);
      expect(seen).toContain(99);
      await client.close();
    });
  });

  describe("many clients through cut connections", () => {
    it("leave the sum that their acknowledged transfers make, and all see the same end", async () => {
      const group = randomUUID();
      const owners = ["a", "b", "c"];
      await backend.mutation("accounts:open", { group, owners, balance: 50 });
      const proxy = await proxied(31, 5_000);
      const clients = Array.from({ length: 5 }, () => socketClient(proxy.url));
      const ends = clients.map((client) => {
        const end: { balances: Array<[string, number]> } = { balances: [] };
        client.onUpdate(query("accounts:balances"), { group }, (balances) => {
          end.balances = balances;
          expect(balances.reduce((sum: number, [, balance]: [string, number]) => sum + balance, 0)).toBe(150);
        });
        return end;
      });
      await Promise.all(
        clients.flatMap((client, i) =>
          Array.from({ length: 20 }, (_, j) =>
            client.mutation(mutation("accounts:transfer"), {
              group,
              from: owners[(i + j) % 3],
              to: owners[(i + j + 1) % 3],
              amount: j,
            }),
          ),
        ),
      );
      const truth = await backend.query("accounts:balances", { group });
      for (const end of ends)
        await vi.waitFor(() => expect(end.balances).toEqual(truth), { timeout: 20_000 });
      expect(proxy.cuts).toBe(3);
      await Promise.all(clients.map((client) => client.close()));
    });
  });

  describe("the HTTP client through cut connections", () => {
    it("fails a call that was cut, which then happened once or not at all", async () => {
      const group = randomUUID();
      const proxy = await proxied(41, 1_500, 20);
      let answered = 0;
      let failed = 0;
      for (let i = 0; i < 60; i++) {
        const client = new ConvexHttpClient(proxy.url, { logger: false });
        await client.mutation(mutation("accounts:add"), { group, owner: "n", amount: 1 }).then(
          () => answered++,
          () => failed++,
        );
      }
      const count = await backend.query("accounts:balance", { group, owner: "n" });
      expect(count).toBeGreaterThanOrEqual(answered);
      expect(count).toBeLessThanOrEqual(answered + failed);
      expect([answered > 0, failed > 0]).toEqual([true, true]);
    });

    it("reads consistently at one timestamp", async () => {
      const client = new ConvexHttpClient(backend.url, { logger: false });
      expect(await client.consistentQuery(query("calls:echo"), { value: 3 })).toBe(3);
    });
  });
});

describe("the Next.js helpers", () => {
  it("fetch queries, mutations and actions, and preload a query", async () => {
    const group = randomUUID();
    const options = { url: backend.url };
    expect(await fetchMutation(mutation("accounts:add"), { group, owner: "n", amount: 2 }, options)).toBe(2);
    expect(await fetchQuery(query("accounts:balance"), { group, owner: "n" }, options)).toBe(2);
    expect(
      await fetchAction(makeFunctionReference<"action">("calls:compose"), { group }, options),
    ).toMatchObject({ rows: 1 });
    const preloaded = await preloadQuery(query("accounts:balance"), { group, owner: "n" }, options);
    expect(preloadedQueryResult(preloaded)).toBe(2);
    await expect(fetchQuery(query("calls:fail"), { how: "convexText" }, options)).rejects.toMatchObject({
      data: "text data",
    });
  });
});
