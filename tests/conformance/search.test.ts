import { expect } from "vitest";
import { conformance, failureOf } from "./suite";

conformance("full-text search", (add) => {
  const bodies = {
    both: "Gold and silver, of 24 carats.",
    gold: "gold",
    golden: "a golden ring in the GOLDEN hour",
    silver: "silver spoons",
    other: "copper",
  };
  const texts = (group: string) => Object.entries(bodies).map(([title, body]) => ({ group, title, body }));

  add(
    "finds what holds any of the words, whatever the case, and a beginning of the last one",
    async (backend, group) => {
      await backend.mutation("search:put", { texts: texts(group) });
      const find = async (search: string) => (await backend.query("search:find", { group, search })).sort();
      expect(await find("Silver ")).toEqual(["both", "silver"]);
      expect(await find("spoons, copper")).toEqual(["other", "silver"]);
      expect(await find("gol")).toEqual(["both", "gold", "golden"]);
      expect(await find("gol silver")).toEqual(["both", "silver"]);
      expect(await find("24")).toEqual(["both"]);
      expect(await find("old")).toEqual([]);
      expect(await find("...")).toEqual([]);
    },
  );

  add(
    "puts what holds the words first, and the word itself before one that begins with it",
    async (backend, group) => {
      await backend.mutation("search:put", { texts: texts(group) });
      const [best] = await backend.query("search:find", { group, search: "gold silver" });
      expect(best).toBe("both");
      const found = await backend.query("search:find", { group, search: "gold" });
      expect(found.indexOf("gold")).toBeLessThan(found.indexOf("golden"));
    },
  );

  add("narrows by equalities, also with a value that is missing", async (backend, group) => {
    const tagged = [1, "1", null, undefined].map((tag, i) => ({
      group,
      title: `t${i}`,
      body: "gold",
      ...(tag === undefined ? {} : { tag }),
    }));
    await backend.mutation("search:put", { texts: tagged });
    for (const [i, tag] of [1, "1", null].entries())
      expect(await backend.query("search:find", { group, search: "gold", tag })).toEqual([`t${i}`]);
    expect(await backend.query("search:find", { group: `${group} of nobody`, search: "gold" })).toEqual([]);
  });

  add("does not look into a field that holds no text", async (backend, group) => {
    const texts = [7, null, ["gold"], "gold"].map((body, i) => ({ group, title: `t${i}`, body }));
    await backend.mutation("search:put", { texts });
    expect(await backend.query("search:find", { group, search: "gold" })).toEqual(["t3"]);
  });

  add("sees a mutation's own writes", async (backend, group) => {
    const text = { group, title: "mine", body: "platinum bars" };
    expect(await backend.mutation("search:putAndFind", { text, search: "plat" })).toEqual([["mine"], []]);
  });

  add(
    "live, follows what is written, and only that",
    async (backend, group) => {
      const watch = backend.watch<string[]>("search:find", { group, search: "palladium" });
      await watch.until((titles) => titles.length === 0);
      await backend.mutation("search:put", { texts: [{ group, title: "first", body: "Palladium!" }] });
      expect(await watch.until((titles) => titles.length === 1)).toEqual(["first"]);
      watch.stop();
    },
    ["subscriptions"],
  );
});

conformance("vector search", (add) => {
  add(
    "gives the nearest of the groups it may look in, best first, with their cosine similarity",
    async (backend, group) => {
      const vectors = { east: [1, 0, 0], northeast: [2, 2, 0], north: [0, 3, 0], west: [-1, 0, 0] };
      const texts = Object.entries(vectors).map(([title, vector], i) => ({
        group: `${group}${i % 2}`,
        title,
        body: "",
        vector,
      }));
      await backend.mutation("search:put", { texts });
      const near = (groups: string[], limit?: number) =>
        backend.action("search:near", { vector: [1, 0, 0], groups, ...(limit ? { limit } : {}) });
      const all = await near([`${group}0`, `${group}1`]);
      expect(all.map(({ title }: { title: string }) => title)).toEqual([
        "east",
        "northeast",
        "north",
        "west",
      ]);
      for (const [i, score] of [1, Math.SQRT1_2, 0, -1].entries()) expect(all[i].score).toBeCloseTo(score, 5);
      expect((await near([`${group}1`])).map(({ title }: { title: string }) => title)).toEqual([
        "northeast",
        "west",
      ]);
      expect(await near([`${group}0`, `${group}1`], 1)).toMatchObject([{ title: "east" }]);
    },
  );

  add(
    "refuses a vector of other dimensions and more results than 256",
    async (backend, group) => {
      const near = (args: object) => failureOf(backend.action("search:near", { groups: [group], ...args }));
      expect((await near({ vector: [1, 0] })).message).toMatch(/dimensions 3, received 2/);
      expect((await near({ vector: [1, 0, 0], limit: 257 })).message).toMatch(
        /at most 256 results, requested 257/,
      );
    },
    ["wording"],
  );
});
