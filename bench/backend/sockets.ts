import { RawSession } from "../../tests/backend/rawSession";
import { printFigure } from "../lib/figure";
import { digest, printLatency, printRate, sample } from "../lib/samples";
import { api, type Subject } from "./subject";

const WRITERS = 32;
const WATCHERS = 50;

type Increment = (name: string) => Promise<unknown>;

/** A mutation is over when its response and a transition after it have arrived, as for the stock client. */
async function rawWriter(url: string): Promise<Increment> {
  const session = await RawSession.open(url);
  let requestId = 0;
  return async (name) => {
    session.send({
      type: "Mutation",
      requestId: requestId++,
      udfPath: "counters:increment",
      args: [{ name }],
    });
    const response = await session.next("MutationResponse");
    if (response.success !== true) throw new Error(JSON.stringify(response));
    await session.next("Transition");
  };
}

function stockWriter(subject: Subject): Increment {
  const client = subject.socket();
  return (name) => client.mutation(api.counters!.increment!, { name });
}

/**
 * Every writer keeps one mutation in flight. Also prints the processor time that both sides took for one: the clients share the
 * machine, and on a busy one these figures stay while the rate falls.
 */
async function measureWriters(subject: Subject, name: string, writers: Increment[], each: number) {
  const run = (prefix: string, count: number) =>
    Promise.all(
      writers.map(async (increment, i) => {
        for (let k = 0; k < count; k++) await increment(`${prefix}${i}`);
      }),
    );
  await run("warm", Math.ceil(each / 3));
  const client = process.cpuUsage();
  const server = subject.processorMs();
  const started = performance.now();
  await run(name, each);
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(client);
  const serverNow = subject.processorMs();
  const { http } = subject;
  const counts = await Promise.all(
    writers.map((_, i) => http.query(api.counters!.read!, { name: `${name}${i}` })),
  );
  const n = writers.length * each;
  printRate(name, n, seconds, "1/s", counts);
  const print = (side: string, us: number) =>
    printFigure({
      name: `${name}: ${side} processor time`,
      value: us / n,
      unit: "us each",
      n,
      resultHash: digest(counts),
    });
  print("clients'", user + system);
  if (server !== null && serverNow !== null) print("backend's", (serverNow - server) * 1000);
}

/** Durable one-document mutations from 32 sockets, with and without 50 others that watch. */
export async function benchThroughput(subject: Subject): Promise<void> {
  const rawName = "mutations from 32 sockets, protocol-only clients";
  const raw = await Promise.all(Array.from({ length: WRITERS }, () => rawWriter(subject.url)));
  await measureWriters(subject, rawName, raw, 400);
  const variants: Array<[string, number, ((name: string, watcher: number) => string) | null]> = [
    ["nobody watches", 400, null],
    // Watchers beyond the writers watch counters that nobody writes.
    ["50 watch distinct queries", 150, (name, i) => (i < WRITERS ? `${name}${i}` : `idle${i}`)],
    ["50 watch the same query", 100, (name) => `${name}0`],
  ];
  for (const [watching, each, counterOf] of variants) {
    const name = `mutations from 32 sockets, stock clients, ${watching}`;
    for (let i = 0; counterOf && i < WATCHERS; i++) {
      subject.socket().onUpdate(api.counters!.read!, { name: counterOf(name, i) }, () => {});
    }
    const writers = Array.from({ length: WRITERS }, () => stockWriter(subject));
    await measureWriters(subject, name, writers, each);
    await subject.closeSockets();
  }
}

/** Until both sides' code is compiled, a round takes up to five times as long; a desk runs for days. */
const WARM_UP_ROUNDS = 150;

/** From sending a mutation to each of `watchers` clients showing it, and to the last of them. */
async function measureSubscription(subject: Subject, watchers: number): Promise<void> {
  const name = `watched${watchers}`;
  let awaited = 0;
  let missing = watchers;
  let sentAtMs = 0;
  let recording = false;
  const each: number[] = [];
  let seen = () => {};
  const subscribed = new Promise<void>((resolve) => {
    seen = resolve;
  });
  for (let i = 0; i < watchers; i++) {
    let last = -1;
    subject.socket().onUpdate(api.counters!.read!, { name }, (value: number) => {
      if (last < awaited && value >= awaited) {
        if (recording) each.push(performance.now() - sentAtMs);
        if (--missing === 0) seen();
      }
      last = value;
    });
  }
  const writer = subject.socket();
  await subscribed;
  const samples = await sample(
    200,
    async (round) => {
      recording = round >= 0;
      const shown = new Promise<void>((resolve) => {
        seen = resolve;
      });
      awaited++;
      missing = watchers;
      sentAtMs = performance.now();
      void writer.mutation(api.counters!.increment!, { name });
      await shown;
    },
    WARM_UP_ROUNDS,
  );
  printLatency(`mutation to each of ${watchers} subscribers`, each, awaited, [95, 99]);
  printLatency(`mutation to the last of ${watchers} subscribers`, samples, awaited, [95, 99]);
  await subject.closeSockets();
}

export async function benchSubscriptions(subject: Subject): Promise<void> {
  await measureSubscription(subject, 1);
  await measureSubscription(subject, WATCHERS);
}
