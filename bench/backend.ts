/**
 * Embedded backend figures, one JSON line each: `npx tsx bench/backend.ts`. About half a minute on two cores, which the
 * clients share with the backend. Real processes, stock clients, durable commits.
 */
import { createHash } from "node:crypto";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import WebSocket from "ws";
import { spawnBackend, temporaryData } from "../tests/backend/spawnBackend";
import { median, printFigure } from "./lib/figure";

const api = anyApi;
const data = temporaryData();
let backend = await spawnBackend({ dataDir: data.dataDir });
const clients: ConvexClient[] = [];

function socketClient(): ConvexClient {
  const client = new ConvexClient(backend.url, {
    webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
    unsavedChangesWarning: false,
    logger: false,
  });
  clients.push(client);
  return client;
}

async function closeClients(): Promise<void> {
  await Promise.all(clients.splice(0).map((client) => client.close()));
}

const http = new ConvexHttpClient(backend.url, { logger: false });

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}

/** Nearest-rank percentile. */
function percentile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * fraction) - 1)]!;
}

async function sample(rounds: number, work: (round: number) => Promise<unknown>): Promise<number[]> {
  const samples: number[] = [];
  for (let round = -10; round < rounds; round++) {
    const started = performance.now();
    await work(round);
    if (round >= 0) samples.push(performance.now() - started);
  }
  return samples;
}

function printLatency(name: string, samples: number[], result: unknown): void {
  const n = samples.length;
  const resultHash = digest(result);
  printFigure({ name: `${name}, p50`, value: median(samples), unit: "ms", n, resultHash });
  printFigure({ name: `${name}, p95`, value: percentile(samples, 0.95), unit: "ms", n, resultHash });
}

async function benchRoundTrips(): Promise<void> {
  const client = socketClient();
  await client.query(api.counters!.read!, { name: "ws" });
  const mutations = await sample(300, () => client.mutation(api.counters!.increment!, { name: "ws" }));
  printLatency("mutation over WebSocket", mutations, await client.query(api.counters!.read!, { name: "ws" }));
  const posted = await sample(200, () => http.mutation(api.counters!.increment!, { name: "http" }));
  printLatency("mutation over HTTP", posted, await http.query(api.counters!.read!, { name: "http" }));
  const reads = await sample(200, () => http.query(api.counters!.read!, { name: "http" }));
  printLatency("point query over HTTP", reads, await http.query(api.counters!.read!, { name: "http" }));
  await closeClients();
}

async function benchRanges(): Promise<void> {
  for (const rows of [100, 1000]) {
    await http.mutation(api.counters!.fill!, { channel: `range${rows}`, rows });
    const samples = await sample(40, () => http.query(api.messages!.list!, { channel: `range${rows}` }));
    const found = await http.query(api.messages!.list!, { channel: `range${rows}` });
    printLatency(
      `range of ${rows} over HTTP`,
      samples,
      found.map((row: { body: string }) => row.body),
    );
  }
  const writes = await sample(30, (round) =>
    http.mutation(api.counters!.fill!, { channel: `hundred${round}`, rows: 100 }),
  );
  printLatency("mutation of 100 documents over HTTP", writes, 100);
}

/** 32 sockets, each with one mutation in flight. */
async function benchThroughput(
  name: string,
  perClient: number,
  subscribe: (c: ConvexClient, i: number) => void,
) {
  const watchers = Array.from({ length: 50 }, () => socketClient());
  watchers.forEach(subscribe);
  const writers = Array.from({ length: 32 }, () => socketClient());
  await Promise.all(writers.map((client) => client.query(api.counters!.read!, { name: "warm" })));
  const counter = (i: number) => `${name}${i}`;
  const started = performance.now();
  await Promise.all(
    writers.map(async (client, i) => {
      for (let k = 0; k < perClient; k++)
        await client.mutation(api.counters!.increment!, { name: counter(i) });
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const counts = await Promise.all(
    writers.map((_, i) => http.query(api.counters!.read!, { name: counter(i) })),
  );
  await closeClients();
  const n = 32 * perClient;
  printFigure({
    name: `mutations from 32 sockets, ${name}`,
    value: n / seconds,
    unit: "1/s",
    n,
    resultHash: digest(counts),
  });
}

/** From sending a mutation to the last of `watchers` clients showing it. */
async function benchSubscription(watchers: number): Promise<void> {
  const name = `watched${watchers}`;
  let awaited = 0;
  let missing = 0;
  let seen = () => {};
  for (let i = 0; i < watchers; i++) {
    let last = -1;
    socketClient().onUpdate(api.counters!.read!, { name }, (value: number) => {
      if (last < awaited && value >= awaited && --missing === 0) seen();
      last = value;
    });
  }
  const writer = socketClient();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const samples = await sample(100, async () => {
    const shown = new Promise<void>((resolve) => {
      seen = resolve;
    });
    awaited++;
    missing = watchers;
    void writer.mutation(api.counters!.increment!, { name });
    await shown;
  });
  printLatency(`mutation to the last of ${watchers} subscribers`, samples, awaited);
  await closeClients();
}

/** The shape of a candle import: 16 documents of 24 KB each, 83 mutations of about 400 KB. */
async function benchImport(): Promise<void> {
  const rowsPerDocument = 1000;
  const documents = 16;
  const mutations = 83;
  const bytes = new Float64Array(rowsPerDocument * 3).map((_, i) => Math.sin(i) * 1000 + 2000).buffer;
  const started = performance.now();
  for (let m = 0; m < mutations; m++) {
    const chunks = Array.from({ length: documents }, (_, i) => ({ start: m * documents + i, bytes }));
    await http.mutation(api.blobs!.put!, { series: "import", chunks });
  }
  const seconds = (performance.now() - started) / 1000;
  const first = await http.query(api.blobs!.sizes!, { series: "none" });
  const n = mutations * documents * rowsPerDocument;
  printFigure({
    name: "import, 24 KB chunks of 1000 rows",
    value: n / seconds,
    unit: "rows/s",
    n,
    resultHash: digest(first),
  });
}

async function benchRestart(): Promise<void> {
  await backend.end("SIGTERM");
  const started = performance.now();
  backend = await spawnBackend({ dataDir: data.dataDir });
  const value = performance.now() - started;
  printFigure({ name: "process start to ready", value, unit: "ms", n: 1, resultHash: digest("ready") });
}

await benchRoundTrips();
await benchRanges();
await benchThroughput("no subscribers", 150, () => {});
await benchThroughput("50 watch the same query", 30, (client) => {
  client.onUpdate(api.counters!.read!, { name: "50 watch the same query0" }, () => {});
});
await benchThroughput("50 watch distinct queries", 60, (client, i) => {
  client.onUpdate(api.counters!.read!, { name: `50 watch distinct queries${i}` }, () => {});
});
await benchSubscription(1);
await benchSubscription(50);
await benchImport();
await benchRestart();
await backend.end("SIGTERM");
data.remove();
