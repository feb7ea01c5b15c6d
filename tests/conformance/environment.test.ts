import { expect } from "vitest";
import { conformance } from "./suite";

const REFUSED = (name: string) =>
  `Can't use ${name} in queries and mutations. Please consider using an action. See https://docs.convex.dev/functions/actions for more details.`;

conformance("the function environment", (add) => {
  for (const [kind, path] of [
    ["query", "environment:inQuery"],
    ["mutation", "environment:inMutation"],
  ] as const) {
    add(
      `a ${kind} has a frozen clock in UTC, no timers, no fetch and nothing of the host`,
      async (backend) => {
        const seen = await backend[kind](path);
        expect(seen).toMatchObject({ frozen: true, zone: 0, path: null });
        expect(seen.fetch).toBe(REFUSED("fetch()"));
        expect(seen.setTimeout).toBe(REFUSED("setTimeout()"));
        expect(seen.setInterval).toBe(REFUSED("setInterval()"));
        expect(seen).toMatchObject({
          getRandomValues: "allowed",
          randomUUID: "allowed",
          buffer: "undefined",
          dirname: "undefined",
          global: "undefined",
        });
        expect(seen.process).toEqual(["env"]);
        expect(seen.cloudUrl).toBe(backend.url);
        expect(seen.evalCode).not.toBe("allowed");
      },
      ["environment"],
    );
  }

  add(
    "an action has timers and random bytes, and a clock that runs",
    async (backend) => {
      const seen = await backend.action("environment:inAction");
      expect(seen).toMatchObject({
        frozen: false,
        setTimeout: "allowed",
        setInterval: "allowed",
        getRandomValues: "allowed",
        randomUUID: "allowed",
        buffer: "undefined",
        path: null,
      });
    },
    ["environment"],
  );

  add("Math.random gives numbers in [0, 1), others in each call", async (backend) => {
    const draws = await Promise.all([1, 2, 3].map((salt) => backend.query("environment:inQuery", { salt })));
    const numbers = draws.flatMap(({ randoms }) => randoms as number[]);
    for (const number of numbers) expect(number >= 0 && number < 1).toBe(true);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  add(
    "crypto gives random bytes and UUIDs to every kind of function, others in each call",
    async (backend) => {
      const draws = [
        await backend.query("environment:randomBytes", { salt: 1 }),
        await backend.query("environment:randomBytes", { salt: 2 }),
        await backend.mutation("environment:randomBytesInMutation"),
        await backend.mutation("environment:randomBytesInMutation"),
      ];
      for (const { uuid, bytes, words } of draws) {
        expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect([bytes.length, words.length]).toEqual([16, 4]);
      }
      for (const field of ["uuid", "bytes", "words"])
        expect(new Set(draws.map((draw) => JSON.stringify(draw[field]))).size).toBe(4);
    },
  );

  add(
    "nested calls share the clock",
    async (backend) => {
      const [outer, inner] = await backend.query("environment:clocks");
      expect(inner).toBe(outer);
      expect(Math.abs(outer - Date.now())).toBeLessThan(60_000);
    },
    ["environment"],
  );

  add("the web's own objects are there", async (backend) => {
    expect(await backend.query("environment:web")).toEqual({
      text: "é😀",
      url: "https://x.test/b?q=1",
      digest: [0xba, 0x78, 0x16, 0xbf],
      base64: "abc",
      clone: { a: [1, { b: 2 }] },
      headers: "b",
      buffer: true,
    });
  });

  add(
    "a mutation learns what it used, what it is and who asked",
    async (backend) => {
      const { metrics, fn, request } = await backend.mutation("environment:meta");
      expect(metrics.documentsWritten).toEqual({ used: 1, remaining: 15_999 });
      expect(metrics.documentsRead.used + metrics.documentsRead.remaining).toBe(32_000);
      expect(fn.name).toMatch(/^environment(\.js)?:meta$/);
      expect(fn.componentPath).toBe("");
      expect(request.requestId).toMatch(/^[0-9a-f]+$/);
    },
    ["environment"],
  );

  add(
    "console lines come back with the answer, one level each",
    async (backend) => {
      const response = await fetch(`${backend.url}/api/query`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ path: "calls:logs", args: {}, format: "json" }),
      });
      expect(((await response.json()) as { logLines: string[] }).logLines).toEqual([
        "[LOG] 'text' 1 { a: [ 1, 2 ] }",
        "[WARN] 'careful'",
        "[ERROR] 'bad'",
        "[DEBUG] 'detail'",
        "[INFO] 'note'",
      ]);
    },
    ["httpApi"],
  );
});
