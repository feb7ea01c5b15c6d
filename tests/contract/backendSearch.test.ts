import { join } from "node:path";
import { type ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createPrng } from "../../lib/core/prng";
import { findIndexFaults } from "../../local/backend/catalog/checkIndexes";
import { openLevelStore } from "../../local/backend/store/levelStore";
import { socketClient, until } from "../backend/clients";
import { type SpawnedBackend, spawnBackend, temporaryData } from "../backend/spawnBackend";

const api = anyApi.search!;
const data = temporaryData();
let backend: SpawnedBackend;
let client: ConvexHttpClient;
const sockets: ConvexClient[] = [];

beforeAll(async () => {
  backend = await spawnBackend({ dataDir: join(data.dataDir, "main") });
  client = new ConvexHttpClient(backend.url, { logger: false });
});

afterEach(async () => {
  await Promise.all(sockets.splice(0).map((socket) => socket.close()));
});

afterAll(async () => {
  await backend?.end("SIGTERM");
  data.remove();
});

function live(): ConvexClient {
  const socket = socketClient(backend.url);
  sockets.push(socket);
  return socket;
}

describe("full-text search through the stock clients", () => {
  it("finds words and a prefix of the last, best match first and then newest, within the filter", async () => {
    await client.mutation(api.write!, {
      articles: [
        {
          title: "once",
          body: "Gold rose. The dollar fell, rates fell and bonds rose",
          desk: "metals",
          rank: 1,
        },
        { title: "twice", body: "GOLD! gold.", desk: "metals", rank: 2 },
        { title: "other desk", body: "gold", desk: "fx", rank: 3 },
        { title: "longer word", body: "goldsmiths met in town, and rates fell and bonds rose", rank: 4 },
        { title: "older twin", body: "silver spread", rank: 5 },
        { title: "newer twin", body: "silver spread", rank: 6 },
      ],
    });
    expect(await client.query(api.find!, { search: "gold" })).toEqual([
      "twice",
      "other desk",
      "once",
      "longer word",
    ]);
    expect(await client.query(api.find!, { search: "gold", desk: "metals" })).toEqual(["twice", "once"]);
    expect(await client.query(api.find!, { search: "Silver spr" })).toEqual(["newer twin", "older twin"]);
    expect(await client.query(api.find!, { search: "spr silver", limit: 1 })).toEqual(["newer twin"]);
    expect(await client.query(api.recent!, { search: "gold", atLeast: 2 })).toEqual([
      "twice",
      "other desk",
      "longer word",
    ]);
    for (const search of ["", "...", "platinum", "gol dust"])
      expect(await client.query(api.find!, { search })).toEqual([]);
  });

  it("sees a mutation's own writes, and forgets them when it fails", async () => {
    const row = { title: "own", body: "palladium" };
    await expect(
      client.mutation(api.writeAndFind!, { row, search: "palladium", fails: true }),
    ).rejects.toThrow(/found own/);
    expect(await client.query(api.find!, { search: "palladium" })).toEqual([]);
    expect(await client.mutation(api.writeAndFind!, { row, search: "pall", fails: false })).toEqual(["own"]);
    expect(await client.query(api.find!, { search: "palladium" })).toEqual(["own"]);
  });

  it("runs a live search again for each write that changes it, and not for writes that cannot", async () => {
    const args = { search: "rhodium", desk: "pgm" };
    const runs: Array<{ run: number; titles: string[] }> = [];
    live().onUpdate(api.findCounted!, args, (value) => runs.push(value as never));
    const seen = (titles: string[]) =>
      expect.poll(() => runs.at(-1)?.titles, { timeout: 5_000, interval: 2 }).toEqual(titles);
    await seen([]);
    const write = (title: string, body: string, desk?: string) =>
      client.mutation(api.write!, { articles: [{ title, body, ...(desk ? { desk } : {}) }] });
    await write("r1", "rhodium up", "pgm");
    await seen(["r1"]);
    await client.mutation(api.change!, { title: "r1", fields: { rank: 9 } });
    await expect.poll(() => runs.length, { interval: 2 }).toBe(3);
    await write("elsewhere", "rhodium down", "fx");
    await write("other words", "ruthenium", "pgm");
    await client.mutation(api.change!, { title: "other words", fields: { rank: 1 } });
    await client.mutation(api.change!, { title: "elsewhere", fields: null });
    await client.mutation(api.change!, { title: "other words", fields: { body: "rhodium rhodium" } });
    await seen(["other words", "r1"]);
    expect(runs.length).toBe(4);
    await client.mutation(api.change!, { title: "r1", fields: { desk: "fx" } });
    await seen(["other words"]);
    await client.mutation(api.change!, { title: "other words", fields: null });
    await seen([]);
    expect(runs.length).toBe(6);
  });

  it("pages through the results once each, and a live page takes in what is written into it", async () => {
    const articles = Array.from({ length: 23 }, (_, i) => ({
      title: `p${i}`,
      body: `iridium ${"x ".repeat(i % 5)}`,
    }));
    await client.mutation(api.write!, { articles });
    const all: string[] = await client.query(api.find!, { search: "iridium" });
    const paged: string[] = [];
    let cursor: string | null = null;
    for (let isDone = false; !isDone; ) {
      const page: { page: Array<{ title: string }>; isDone: boolean; continueCursor: string } =
        await client.query(api.page!, { search: "iridium", paginationOpts: { numItems: 5, cursor } });
      paged.push(...page.page.map(({ title }) => title));
      cursor = page.continueCursor;
      ({ isDone } = page);
    }
    expect(paged).toEqual(all);
    const args = { search: "osmium", paginationOpts: { numItems: 2, cursor: null } };
    const titles = ({ page }: { page: Array<{ title: string }> }) => page.map(({ title }) => title).join();
    await client.mutation(api.write!, { articles: [{ title: "o1", body: "osmium and more words" }] });
    const socket = live();
    const grown = until(socket, api.page!, args, (value: never) => titles(value) === "o2,o1");
    await until(socket, api.page!, args, (value: never) => titles(value) === "o1");
    await client.mutation(api.write!, { articles: [{ title: "o2", body: "osmium" }] });
    await grown;
  });

  it("is refused in Convex's words when it is not a search of that index, and past 1024 results", async () => {
    const search = ["search", "body", "gold"];
    const eq = ["eq", "desk", "a"];
    const refusals: Array<[index: string, steps: string[][], sentence: string]> = [
      [
        "by_body",
        [["search", "nonexistentField", "gold"]],
        'Search query against articles.by_body contains a search filter against "nonexistentField", which doesn\'t match the indexed `searchField` "body".',
      ],
      [
        "by_body",
        [search, search],
        'Search query against articles.by_body contains multiple search filters against "body". Only one is allowed.',
      ],
      [
        "by_body",
        [search, ["eq", "title", "a"]],
        'Search query against articles.by_body contains an equality filter on "title" but that field isn\'t indexed for filtering in `filterFields`.',
      ],
      ["by_body", [], "Search query against articles.by_body does not contain any search filters."],
      [
        "by_body",
        [search, ...Array<string[]>(9).fill(eq)],
        "Search query against articles.by_body has too many filter conditions. Max: 8 Actual: 9",
      ],
      ["by_title", [search], "Index articles.by_title is not a search index"],
      ["by_nothing", [search], "Index articles.by_nothing not found."],
    ];
    for (const [index, steps, sentence] of refusals)
      await expect(client.query(api.raw!, { index, steps })).rejects.toThrow(sentence);
    expect(await client.query(api.raw!, { index: "by_body", steps: [search, ...Array(8).fill(eq)] })).toEqual(
      [],
    );
    await expect(client.query(api.throughIndex!, {})).rejects.toThrow("is not a database index");

    const words = Array.from({ length: 16 }, (_, i) => `w${i}`);
    await client.mutation(api.write!, { articles: [{ title: "17th", body: "seventeenth" }] });
    expect(await client.query(api.find!, { search: [...words, "seventeenth"].join(" ") })).toEqual([]);
    expect(await client.query(api.find!, { search: [...words.slice(1), "seventeenth"].join(" ") })).toEqual([
      "17th",
    ]);

    const many = Array.from({ length: 1023 }, (_, i) => ({ title: `m${i}`, body: "many" }));
    await client.mutation(api.write!, { articles: many });
    expect(await client.query(api.find!, { search: "many" })).toHaveLength(1023);
    await client.mutation(api.write!, { articles: [{ title: "last", body: "many" }] });
    await expect(client.query(api.find!, { search: "many" })).rejects.toThrow(
      "Search query scanned too many documents (fetched 1024). Consider using a smaller limit, paginating the query, or using a filter field to limit the number of documents pulled from the search index.",
    );
    expect(await client.query(api.find!, { search: "many", limit: 3 })).toEqual(["last", "m1022", "m1021"]);
  });
});

describe("vector search through the stock clients", () => {
  it("gives the nearest by cosine similarity, the score of each, and only what the filter admits", async () => {
    await client.mutation(api.write!, {
      articles: [
        { title: "same way", body: "", desk: "a", vector: [2, 0, 0, 0] },
        { title: "diagonal", body: "", desk: "b", vector: [1, 1, 0, 0] },
        { title: "opposite", body: "", desk: "c", vector: [-3, 0, 0, 0] },
        { title: "too short", body: "", desk: "a", vector: [1, 0] },
      ],
    });
    const near = (args: object) =>
      client.action(api.nearest!, { vector: [1, 0, 0, 0], ...args }) as Promise<
        Array<{ title: string; score: number }>
      >;
    const all = await near({});
    expect(all.map(({ title }) => title)).toEqual(["same way", "diagonal", "opposite"]);
    expect(all[0]!.score).toBe(1);
    expect(all[1]!.score).toBeCloseTo(Math.SQRT1_2, 6);
    expect(all[2]!.score).toBe(-1);
    expect((await near({ limit: 1 })).map(({ title }) => title)).toEqual(["same way"]);
    expect((await near({ desks: ["b", "c"] })).map(({ title }) => title)).toEqual(["diagonal", "opposite"]);
    await client.mutation(api.change!, { title: "same way", fields: { vector: [0, 1, 0, 0] } });
    expect((await near({ limit: 1 })).map(({ title }) => title)).toEqual(["diagonal"]);
  });

  it("is refused in Convex's words", async () => {
    const refused = (args: object, sentence: string) =>
      expect(client.action(api.nearest!, { vector: [1, 0, 0, 0], ...args })).rejects.toThrow(sentence);
    await refused({ limit: 257 }, "Vector queries can fetch at most 256 results, requested 257.");
    await refused({ vector: [1, 2, 3] }, "Expected a vector with dimensions 4, received 3.");
    await refused({ vector: [] }, "`vector` must be a non-empty Array in vectorSearch");
    await refused(
      { desks: ["x"], field: "title" },
      'Vector query against articles.by_vector contains a filter on "title" but that field isn\'t indexed for filtering in `filterFields`.',
    );
    await refused(
      { desks: Array.from({ length: 65 }, (_, i) => `d${i}`) },
      "Vector query against articles.by_vector has too many conditions. Max: 64 Actual: 65",
    );
  });
});

describe("search and vector indexes after SIGKILL", () => {
  it("are a function of the documents, however often the writer is killed", async () => {
    const dataDir = join(data.dataDir, "killed");
    const prng = createPrng(20261121);
    const words = ["gold", "golden", "silver", "perp", "spot"];
    let written = 0;
    for (let cycle = 1; cycle <= 3; cycle++) {
      const killed = await spawnBackend({ dataDir });
      const writer = new ConvexHttpClient(killed.url, { logger: false });
      const writing = (async () => {
        // The last ones are on their way when the kill comes, wherever it finds them.
        while (written < cycle * 20 + 10) {
          const title = `t${written++}`;
          const body = Array.from({ length: 6 }, () => words[prng.nextInt(words.length)]).join(" ");
          const vector = [1, 2, 3, 4].map(() => prng.nextInt(9));
          await writer.mutation(api.write!, { articles: [{ title, body, desk: `d${written % 3}`, vector }] });
          if (written % 3 === 0) await writer.mutation(api.change!, { title, fields: { body: "silver" } });
          if (written % 5 === 0) await writer.mutation(api.change!, { title, fields: null });
        }
      })().catch(() => undefined);
      while (written < cycle * 20) await new Promise((resolve) => setTimeout(resolve, prng.nextInt(5)));
      await killed.end("SIGKILL");
      await writing;
    }
    const store = await openLevelStore(join(dataDir, "store"));
    expect(await findIndexFaults(store)).toEqual([]);
    await store.close();
  });
});
