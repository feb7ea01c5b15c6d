import { createPrng } from "../../lib/core/prng";
import { median, printFigure } from "../lib/figure";
import { digest, printRate, sample } from "../lib/samples";
import { api, type Subject } from "./subject";

/** Documents of one channel; a range read takes all of them. */
const CHANNEL = 1000;
const LOADERS = 4;

interface Message {
  _id: string;
  body: string;
}

/** Fills channels up to `documents` through mutations of 1,000 documents from four clients at once. */
async function load(subject: Subject, present: number, documents: number): Promise<void> {
  let next = present / CHANNEL;
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
        const done = next * CHANNEL - present;
        const rate = done / ((reportedMs - started) / 1000);
        const etaS = (documents - present - done) / rate;
        process.stderr.write(`loading: ${done} documents, ${rate.toFixed(0)}/s, ${etaS.toFixed(0)} s left\n`);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  const n = documents - present;
  printRate(`import of small documents, up to ${documents}`, n, seconds, "documents/s", n);
}

/** Medians of the same reads and writes, spread over everything that is stored. */
async function measure(subject: Subject, documents: number): Promise<Record<string, [number, string]>> {
  const { http } = subject;
  const prng = createPrng(documents);
  const channel = () => `scale${Math.floor(prng.nextFloat() * (documents / CHANNEL))}`;
  const ids: string[] = [];
  for (let i = 0; i < 40; i++) {
    const rows = (await http.query(api.messages!.list!, { channel: channel(), limit: CHANNEL })) as Message[];
    for (let k = 0; k < 10; k++) ids.push(rows[Math.floor(prng.nextFloat() * CHANNEL)]!._id);
  }
  let at = 0;
  const works: Record<string, [number, (round: number) => Promise<unknown>]> = {
    "point read": [200, () => http.query(api.messages!.get!, { id: ids[at++ % ids.length] })],
    "range of 100": [60, () => http.query(api.messages!.list!, { channel: channel(), limit: 100 })],
    "range of 1000": [40, () => http.query(api.messages!.list!, { channel: channel() })],
    "mutation that changes 1 document": [
      200,
      (round) => http.mutation(api.messages!.edit!, { id: ids[at++ % ids.length], body: `edit ${round}` }),
    ],
    "mutation that inserts 100 documents": [
      40,
      (round) => http.mutation(api.counters!.fill!, { channel: `at${documents}-${round}`, rows: 100 }),
    ],
  };
  const found: Record<string, [number, string]> = {};
  for (const [name, [rounds, work]] of Object.entries(works)) {
    let last: unknown;
    const samples = await sample(rounds, async (round) => {
      last = await work(round);
    });
    const bodies = Array.isArray(last) ? last.length : ((last as Message | null)?.body ?? null);
    found[name] = [median(samples), digest(bodies)];
    const [value, resultHash] = found[name];
    printFigure({
      name: `${name} over HTTP at ${documents} documents, p50`,
      value,
      unit: "ms",
      n: samples.length,
      resultHash,
    });
  }
  return found;
}

function printMemory(subject: Subject, when: string): void {
  const value = subject.residentMb();
  printFigure({ name: `resident memory ${when}`, value, unit: "MB", n: 1, resultHash: digest(when) });
}

/** The same work at two sizes, each after a restart; start-up, import rate and memory on the way. */
export async function benchScale(subject: Subject, sizes: [number, number]): Promise<void> {
  let present = 0;
  const medians: Array<Record<string, [number, string]>> = [];
  for (const documents of sizes) {
    await load(subject, present, documents);
    present = documents;
    printMemory(subject, `after loading up to ${documents} documents`);
    const value = await subject.restart();
    const name = `process start to ready with ${documents} documents`;
    printFigure({ name, value, unit: "ms", n: 1, resultHash: digest(documents) });
    medians.push(await measure(subject, documents));
  }
  const [small, large] = medians as [Record<string, [number, string]>, Record<string, [number, string]>];
  for (const [name, [value, resultHash]] of Object.entries(large)) {
    printFigure({
      name: `${name}: ${sizes[1]} to ${sizes[0]} documents`,
      value: value / small[name]![0],
      unit: "x",
      n: 1,
      resultHash,
    });
  }
  const shown = Array.from(
    { length: 50 },
    (_, i) =>
      new Promise((resolve) => {
        const args = { channel: `scale${i}`, limit: 100 };
        subject.socket().onUpdate(api.messages!.list!, args, resolve);
      }),
  );
  await Promise.all(shown);
  printMemory(subject, `with ${sizes[1]} documents and 50 subscribers of 100 each`);
  await subject.closeSockets();
}
