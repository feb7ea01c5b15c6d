import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ClassicLevel } from "classic-level";
import type { GenericSchema, SchemaDefinition } from "convex/server";
import { convexTest } from "convex-test";
import { FIXTURE_FUNCTIONS } from "../../tests/backend/spawnBackend";
import { digest, printLatency, sample } from "../lib/samples";
import { api } from "./subject";

/** The engine alone, on the work that the backend gives it: the limit of what the rooms above can reach. */
export async function benchStore(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "assay-bench-"));
  const db = new ClassicLevel<string, string>(join(directory, "store"));
  const key = (i: number) => `row${String(i).padStart(9, "0")}`;
  const value = (i: number) =>
    JSON.stringify({ _id: key(i), body: `row ${i}`, channel: "range1000", rank: i });
  for (let start = 0; start < 100_000; start += 1000) {
    const rows = Array.from({ length: 1000 }, (_, i) => start + i);
    await db.batch(rows.map((i) => ({ type: "put", key: key(i), value: value(i) })));
  }
  const durable = { sync: true };
  const put = (i: number) => db.batch([{ type: "put", key: key(i), value: value(i) }], durable);
  printLatency(
    "store alone: durable write of 1 row",
    await sample(300, (i) => put(i + 10)),
    await db.get(key(9)),
  );
  const hundred = (round: number) =>
    db.batch(
      Array.from({ length: 100 }, (_, i) => ({
        type: "put" as const,
        key: key(200_000 + (round + 10) * 100 + i),
        value: value(i),
      })),
      durable,
    );
  printLatency(
    "store alone: durable write of 100 rows",
    await sample(60, hundred),
    await db.get(key(204_999)),
  );
  const spread = (round: number) => key(((round + 10) * 7919) % 100_000);
  printLatency(
    "store alone: point get",
    await sample(1000, (i) => db.getSync(spread(i))),
    db.getSync(spread(1)),
  );
  for (const limit of [100, 1000]) {
    const range = (round: number) => db.iterator({ gte: spread(round % 50), limit }).all();
    const last = await range(1);
    printLatency(`store alone: range of ${limit}`, await sample(100, range), digest(last));
  }
  await db.close();
  rmSync(directory, { recursive: true, force: true });
}

/** convex-test in this process: the same functions over its in-memory arrays; no socket, no disk, no durability. */
export async function benchConvexTest(): Promise<void> {
  const load = (module: string) => () => import(pathToFileURL(join(FIXTURE_FUNCTIONS, module)).href);
  const { default: schema } = (await load("schema.ts")()) as {
    default: SchemaDefinition<GenericSchema, boolean>;
  };
  const modules = ["_generated/api.ts", "counters.ts", "messages.ts"];
  const t = convexTest(schema, Object.fromEntries(modules.map((module) => [`./${module}`, load(module)])));
  const increment = () => t.mutation(api.counters!.increment!, { name: "one" });
  const counted = await sample(100, increment);
  printLatency(
    "convex-test: mutation of 1 document",
    counted,
    await t.query(api.counters!.read!, { name: "one" }),
  );
  const id = await t.mutation(api.messages!.send!, { channel: "point", body: "point" });
  const get = () => t.query(api.messages!.get!, { id });
  const point = (await get()) as { body: string };
  printLatency("convex-test: point read", await sample(100, get), point.body);
  for (const rows of [100, 1000]) {
    const channel = `range${rows}`;
    await t.mutation(api.counters!.fill!, { channel, rows });
    const list = () => t.query(api.messages!.list!, { channel });
    const bodies = ((await list()) as Array<{ body: string }>).map(({ body }) => body);
    printLatency(`convex-test: range of ${rows}`, await sample(20, list), bodies);
  }
}
