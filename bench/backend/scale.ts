import { createPrng } from "../../lib/core/prng";
import { median, printFigure } from "../lib/figure";
import { digest, printRate } from "../lib/samples";
import { api, Subject } from "./subject";

/** Documents of one channel; a range read takes all of them. */
const CHANNEL = 1000;
const LOADERS = 4;

interface Message {
  _id: string;
  body: string;
}

/** Fills channels through mutations of 1,000 documents from four clients at once. */
export async function load(subject: Subject, documents: number): Promise<void> {
  let next = 0;
  const total = documents / CHANNEL;
  const started = performance.now();
  let reportedMs = started;
  await Promise.all(
    Array.from({ length: LOADERS }, async () => {
      const { http } = subject;
      while (next < total) {
        await http.mutation(api.counters!.fill!, { channel: `scale${next++}`, rows: CHANNEL });
        if (performance.now() - reportedMs < 5_000) continue;
        reportedMs = performance.now();
        const done = next * CHANNEL;
        const rate = done / ((reportedMs - started) / 1000);
        const etaS = (documents - done) / rate;
        process.stderr.write(`loading: ${done} documents, ${rate.toFixed(0)}/s, ${etaS.toFixed(0)} s left\n`);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  printRate(`import of ${documents} small documents`, documents, seconds, "documents/s", documents);
}

type Work = [rounds: number, (round: number) => Promise<unknown>];

/** Reads and writes spread over everything that is stored. */
async function worksOn(subject: Subject, documents: number): Promise<Record<string, Work>> {
  const { http } = subject;
  const prng = createPrng(documents);
  const channel = () => `scale${Math.floor(prng.nextFloat() * (documents / CHANNEL))}`;
  const ids: string[] = [];
  for (let i = 0; i < 40; i++) {
    const rows = (await http.query(api.messages!.list!, { channel: channel() })) as Message[];
    for (let k = 0; k < 10; k++) ids.push(rows[Math.floor(prng.nextFloat() * CHANNEL)]!._id);
  }
  let at = 0;
  return {
    "point read": [200, () => http.query(api.messages!.get!, { id: ids[at++ % ids.length] })],
    "range of 100": [80, () => http.query(api.messages!.list!, { channel: channel(), limit: 100 })],
    "range of 1000": [60, () => http.query(api.messages!.list!, { channel: channel() })],
    "mutation that changes 1 document": [
      200,
      (round) => http.mutation(api.messages!.edit!, { id: ids[at++ % ids.length], body: `edit ${round}` }),
    ],
    "mutation that inserts 100 documents": [
      60,
      (round) => http.mutation(api.counters!.fill!, { channel: `more${round}`, rows: 100 }),
    ],
  };
}

/** Rounds alternate between the two sizes, so that a noisy neighbour on the machine meets both alike. */
async function compare(sizes: readonly number[], works: Array<Record<string, Work>>): Promise<void> {
  for (const [name, [rounds]] of Object.entries(works[0]!)) {
    const samples: number[][] = sizes.map(() => []);
    const hashes: string[] = [];
    for (let round = -10; round < rounds; round++) {
      for (const [i, work] of works.entries()) {
        const started = performance.now();
        const found = await work[name]![1](round);
        if (round >= 0) samples[i]!.push(performance.now() - started);
        hashes[i] = digest(Array.isArray(found) ? found.length : ((found as Message | null)?.body ?? null));
      }
    }
    for (const [i, documents] of sizes.entries()) {
      const value = median(samples[i]!);
      const label = `${name} over HTTP at ${documents} documents, p50`;
      printFigure({ name: label, value, unit: "ms", n: rounds, resultHash: hashes[i]! });
    }
    const value = median(samples[1]!) / median(samples[0]!);
    const label = `${name}: ${sizes[1]} to ${sizes[0]} documents`;
    printFigure({ name: label, value, unit: "x", n: rounds, resultHash: hashes[1]! });
  }
}

function printMemory(subject: Subject, when: string): void {
  const value = subject.residentMb();
  printFigure({ name: `resident memory ${when}`, value, unit: "MB", n: 1, resultHash: digest(when) });
}

/** The same work at two sizes, each after a restart; start-up, import rate and memory on the way. */
export async function benchScale(large: Subject, sizes: readonly [number, number]): Promise<void> {
  const small = await Subject.start();
  try {
    const works: Array<Record<string, Work>> = [];
    for (const [i, subject] of [small, large].entries()) {
      const documents = sizes[i]!;
      await load(subject, documents);
      printMemory(subject, `after importing ${documents} documents`);
      const value = await subject.restart();
      const name = `process start to ready with ${documents} documents`;
      printFigure({ name, value, unit: "ms", n: 1, resultHash: digest(documents) });
      works.push(await worksOn(subject, documents));
    }
    await compare(sizes, works);
    await watch(large, sizes[1]);
  } finally {
    await small.end();
  }
}

async function watch(subject: Subject, documents: number): Promise<void> {
  const shown = Array.from(
    { length: 50 },
    (_, i) =>
      new Promise((resolve) => {
        const args = { channel: `scale${i}`, limit: 100 };
        subject.socket().onUpdate(api.messages!.list!, args, resolve);
      }),
  );
  await Promise.all(shown);
  printMemory(subject, `with ${documents} documents and 50 subscribers of 100 each`);
  await subject.closeSockets();
}
