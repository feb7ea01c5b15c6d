import { join } from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, describe, expect, it } from "vitest";
import { findIndexFaults } from "../../local/backend/catalog/checkIndexes";
import { startBackend } from "../../local/backend/startBackend";
import { openLevelStore } from "../../local/backend/store/levelStore";
import { functionsFolder } from "../backend/functionsFolder";
import { temporaryData } from "../backend/spawnBackend";

const api = anyApi.app!;
const data = temporaryData();

afterAll(() => data.remove());

const server = `
import { anyApi, componentsGeneric, defineApp, defineComponent, defineSchema, defineTable, httpRouter,
  cronJobs, httpActionGeneric, mutationGeneric, queryGeneric } from "convex/server";
import { v } from "convex/values";
`;
const app = `${server}
const { shelf } = componentsGeneric();
export const keep = mutationGeneric({ handler: (ctx, args) => ctx.db.insert("items", args) });
export const list = queryGeneric({ handler: (ctx) => ctx.db.query("items").collect() });
export const put = mutationGeneric({ handler: (ctx, args) => ctx.runMutation(shelf.items.put, args) });
export const count = queryGeneric({ handler: (ctx, args) => ctx.runQuery(shelf.items.count, args) });
`;
const shelf = {
  "shelf/convex.config.ts": `${server} export default defineComponent("shelf");`,
  "shelf/items.ts": `${server}
export const put = mutationGeneric({ handler: (ctx, args) => ctx.db.insert("items", args) });
export const count = queryGeneric({ handler: async (ctx) => (await ctx.db.query("items").collect()).length });
`,
  "shelf/http.ts": `${server}
const http = httpRouter();
http.route({ path: "/up", method: "GET", handler: httpActionGeneric(async () => new Response("up")) });
export default http;
`,
};
const mounted = {
  "app.ts": app,
  ...shelf,
  "convex.config.ts": `${server} import shelf from "./shelf/convex.config";
const app = defineApp(); app.use(shelf, { httpPrefix: "/shelf/" }); export default app;`,
};
const schemaOf = (table: string) => ({
  "shelf/schema.ts": `${server} export default defineSchema({ items: ${table} });`,
});

/** Runs an app folder on a data folder for as long as \`use\` takes. */
async function withBackend<T>(
  name: string,
  files: Record<string, string>,
  use: (client: ConvexHttpClient, siteUrl: string) => Promise<T>,
): Promise<T> {
  const dataDir = join(data.dataDir, name);
  const backend = await startBackend({ functionsDir: functionsFolder(files), dataDir });
  try {
    return await use(new ConvexHttpClient(backend.url, { logger: false }), backend.siteUrl);
  } finally {
    await backend.close();
  }
}

/** The catalog's entries of the app's own tables. */
async function appTables(name: string): Promise<unknown[]> {
  const store = await openLevelStore(join(data.dataDir, name, "store"));
  const { tables } = JSON.parse(store.get("m/catalog")!) as { tables: Array<{ namespace?: string }> };
  expect(await findIndexFaults(store)).toEqual([]);
  await store.close();
  return tables.filter(({ namespace }) => namespace === undefined);
}

describe("a data folder", () => {
  it("from before the app used components opens as it was, with its rows, ids and table numbers", async () => {
    const row = await withBackend("before", { "app.ts": app }, async (client) => {
      await client.mutation(api.keep!, { n: 1 });
      return client.query(api.list!, {});
    });
    const tables = await appTables("before");
    await withBackend("before", mounted, async (client) => {
      await client.mutation(api.put!, { n: 2 });
      expect(await client.query(api.list!, {})).toEqual(row);
      expect(await client.query(api.count!, {})).toBe(1);
    });
    expect(await appTables("before")).toEqual(tables);
  });

  it("keeps what a component stored while it is not used, without serving it", async () => {
    await withBackend("unmounted", mounted, async (client, siteUrl) => {
      await client.mutation(api.put!, { n: 1 });
      expect(await (await fetch(`${siteUrl}/shelf/up`)).text()).toBe("up");
    });
    await withBackend("unmounted", { "app.ts": app, ...shelf }, async (client, siteUrl) => {
      await expect(client.query(api.count!, {})).rejects.toThrow(/no child component "shelf"/);
      expect((await fetch(`${siteUrl}/shelf/up`)).status).toBe(404);
    });
    await withBackend("unmounted", mounted, async (client) => {
      expect(await client.query(api.count!, {})).toBe(1);
    });
  });

  it("follows a component's schema: fills its new index, and names what no longer fits", async () => {
    await withBackend("schema", mounted, (client) => client.mutation(api.put!, { n: 1 }));
    const indexed = {
      ...mounted,
      ...schemaOf("defineTable({ n: v.number() }).index('by_n', ['n'])"),
      "shelf/items.ts": `${server} export const count = queryGeneric({ handler: async (ctx) =>
        (await ctx.db.query("items").withIndex("by_n", (q) => q.eq("n", 1)).collect()).length });`,
    };
    await withBackend("schema", indexed, async (client) =>
      expect(await client.query(api.count!, {})).toBe(1),
    );
    const strict = withBackend(
      "schema",
      { ...mounted, ...schemaOf("defineTable({ n: v.string() })") },
      async () => 0,
    );
    await expect(strict).rejects.toThrow(/in table "items" of the component shelf .* at field "n"/);
    await withBackend("schema", indexed, async (client) =>
      expect(await client.query(api.count!, {})).toBe(1),
    );
  });
});

describe("an app whose components do not fit together is refused with a sentence:", () => {
  const config = (uses: string) => `${server} import shelf from "./shelf/convex.config";
const app = defineApp(); ${uses} export default app;`;
  const component = (options: string, extra: Record<string, string> = {}) => ({
    "app.ts": app,
    "shelf/convex.config.ts": `${server} export default defineComponent("shelf", ${options});`,
    "shelf/items.ts": shelf["shelf/items.ts"],
    ...extra,
  });
  const refusals: Array<[string, Record<string, string>, RegExp]> = [
    [
      "two instances of one name",
      { ...mounted, "convex.config.ts": config("app.use(shelf); app.use(shelf);") },
      /the app uses two components named shelf/,
    ],
    [
      "a variable that the component needs and nobody binds",
      { ...component("{ env: { COLOUR: v.string() } }"), "convex.config.ts": config("app.use(shelf);") },
      /the component shelf needs the environment variable COLOUR/,
    ],
    [
      "a variable with a value that its definition refuses",
      {
        ...component("{ env: { COLOUR: v.literal('red') } }"),
        "convex.config.ts": config("app.use(shelf, { env: { COLOUR: 'blue' } });"),
      },
      /COLOUR of the component shelf has a value that its definition refuses/,
    ],
    [
      "a variable that the component does not declare",
      { ...component("{}"), "convex.config.ts": config("app.use(shelf, { env: { COLOUR: 'blue' } });") },
      /the component shelf does not declare the environment variable COLOUR/,
    ],
    [
      "components that use each other",
      {
        ...mounted,
        "shelf/convex.config.ts": `${server} import box from "./box/convex.config";
const component = defineComponent("shelf"); component.use(box); export default component;`,
        "shelf/box/convex.config.ts": `${server} import shelf from "../convex.config";
const component = defineComponent("box"); component.use(shelf); export default component;`,
      },
      /Components use each other in a circle: .*shelf.*box.*shelf/,
    ],
    [
      'a "use node" module in a component',
      {
        ...mounted,
        "shelf/node.ts": `"use node";\n${server} export const f = 1;`,
      },
      /"use node" directive is not supported in components/,
    ],
  ];
  for (const [title, files, sentence] of refusals) {
    it(title, async () => {
      await expect(withBackend(`refused-${title}`, files, async () => 0)).rejects.toThrow(sentence);
    });
  }
});
