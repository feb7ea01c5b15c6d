import { v } from "convex/values";
import { internal } from "./_generated/api";
import { action, internalQuery, mutation, query } from "./_generated/server";

declare const Buffer: unknown;
declare const __dirname: unknown;
declare const global: unknown;

async function probe() {
  const attempt = async (run: () => unknown) => {
    try {
      await run();
      return "allowed";
    } catch (error) {
      return (error as Error).message;
    }
  };
  const before = Date.now();
  let spin = 0;
  for (let i = 0; i < 2_000_000; i++) spin += i % 7;
  return {
    // biome-ignore lint/complexity/useDateNow: the constructor's clock is under test too
    frozen: Date.now() === before && new Date().getTime() === before && spin > 0,
    zone: new Date(0).getTimezoneOffset(),
    local: new Date(0).toString(),
    fetch: await attempt(() => fetch("http://127.0.0.1:9/")),
    setTimeout: await attempt(() => setTimeout(() => {}, 0)),
    setInterval: await attempt(() => clearInterval(setInterval(() => {}, 1000))),
    getRandomValues: await attempt(() => crypto.getRandomValues(new Uint8Array(4))),
    randomUUID: await attempt(() => crypto.randomUUID()),
    buffer: typeof Buffer,
    dirname: typeof __dirname,
    global: typeof global,
    process: Object.keys(process).sort(),
    path: process.env.PATH ?? null,
    cloudUrl: process.env.CONVEX_CLOUD_URL ?? null,
    siteUrl: process.env.CONVEX_SITE_URL ?? null,
    randoms: [Math.random(), Math.random()],
    evalCode: await attempt(() => new Function("return 1")()),
  };
}

export const inQuery = query({ args: { salt: v.optional(v.number()) }, handler: probe });
export const inMutation = mutation({ args: {}, handler: probe });
export const inAction = action({ args: {}, handler: probe });

const draw = () => ({
  uuid: crypto.randomUUID(),
  bytes: [...crypto.getRandomValues(new Uint8Array(16))],
  words: [...crypto.getRandomValues(new Uint32Array(4))],
});
export const randomBytes = query({ args: { salt: v.number() }, handler: draw });
export const randomBytesInMutation = mutation({ args: {}, handler: draw });

export const web = query({
  args: {},
  handler: async () => ({
    text: new TextDecoder().decode(new TextEncoder().encode("é😀")),
    url: new URL("../b?q=1", "https://x.test/a/c").href,
    digest: [...new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode("abc")))].slice(
      0,
      4,
    ),
    base64: atob(btoa("abc")),
    clone: structuredClone({ a: [1, { b: 2 }] }),
    headers: new Headers({ A: "b" }).get("a"),
    buffer: new TextEncoder().encode("x").buffer instanceof ArrayBuffer,
  }),
});

export const clocks = query({
  args: {},
  handler: async (ctx): Promise<number[]> => [
    Date.now(),
    (await ctx.runQuery(internal.environment.nowInside, {})) as number,
  ],
});
export const nowInside = internalQuery({ args: {}, handler: () => Date.now() });

let kept = 0;
export const moduleState = query({ args: { salt: v.number() }, handler: () => ++kept });

// biome-ignore lint/suspicious/noExplicitAny: `meta` is newer than the generated types' base
type Loose = any;

export const meta = mutation({
  args: {},
  handler: async (ctx) => {
    const { meta } = ctx as Loose;
    await ctx.db.insert("rows", { group: "meta", a: 1 });
    return {
      metrics: await meta.getTransactionMetrics(),
      fn: await meta.getFunctionMetadata(),
      request: await meta.getRequestMetadata(),
    };
  },
});
export const stamp = mutation({
  args: { group: v.string() },
  handler: (ctx, { group }) => ctx.db.insert("stamps", { group, at: (ctx.db as Loose).vars.commitTs }),
});
export const stamps = query({
  args: { group: v.string() },
  handler: (ctx, { group }) =>
    ctx.db
      .query("stamps")
      .withIndex("by_at", (q) => q.eq("group", group))
      .collect(),
});
export const whoami = query({ args: {}, handler: (ctx) => ctx.auth.getUserIdentity() });
export const whoamiMutation = mutation({ args: {}, handler: (ctx) => ctx.auth.getUserIdentity() });
export const whoamiAction = action({ args: {}, handler: (ctx) => ctx.auth.getUserIdentity() });
