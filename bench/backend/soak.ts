import type { FunctionReference } from "convex/server";
import { createPrng } from "../../lib/core/prng";
import { median, printFigure } from "../lib/figure";
import { digest } from "../lib/samples";
import { load as loadMessages } from "./scale";
import { load as loadTexts, word } from "./search";
import { api, type Subject } from "./subject";

const SUBSCRIBERS = 50;
const WRITERS = 4;
const SAMPLE_MS = 1_000;
const WARMING_READS = 1_000;

/** Megabytes a minute by which samples, one each {@link SAMPLE_MS}, rise: the slope of the least-squares line. */
function slopeMbPerMinute(samples: readonly number[]): number {
  const middle = (samples.length - 1) / 2;
  const mean = samples.reduce((sum, value) => sum + value, 0) / samples.length;
  let along = 0;
  let squares = 0;
  for (const [i, value] of samples.entries()) {
    along += (i - middle) * (value - mean);
    squares += (i - middle) ** 2;
  }
  return ((along / squares) * 60_000) / SAMPLE_MS;
}

interface Work {
  watch(subscriber: number): [query: FunctionReference<"query">, args: Record<string, unknown>];
  write(n: number): Promise<unknown>;
  /** Reads something anew for each number, so that caches are full before the first sample. */
  read(n: number): Promise<unknown>;
}

/**
 * Memory of the process itself (see {@link Subject.ownMb}) while {@link SUBSCRIBERS} clients watch and {@link WRITERS} write without a pause for `minutes`. What matters is the
 * second half: what still rises then does not stop.
 */
async function steady(subject: Subject, name: string, minutes: number, work: Work): Promise<void> {
  for (let n = 0; n < WARMING_READS; n++) await work.read(n);
  let updates = 0;
  for (let i = 0; i < SUBSCRIBERS; i++) subject.socket().onUpdate(...work.watch(i), () => updates++);
  const samples: number[] = [];
  const endMs = performance.now() + minutes * 60_000;
  const sampling = setInterval(() => {
    samples.push(subject.ownMb());
    if (samples.length % 15 === 0)
      process.stderr.write(`${name}: ${samples.at(-1)!.toFixed(0)} MB after ${samples.length} s\n`);
  }, SAMPLE_MS);
  let writes = 0;
  const writer = async () => {
    while (performance.now() < endMs) await work.write(writes++);
  };
  await Promise.all(Array.from({ length: WRITERS }, writer)).finally(() => clearInterval(sampling));
  const residentMb = subject.residentMb();
  await subject.closeSockets();
  const half = samples.length >> 1;
  const quarter = half + (half >> 1);
  const resultHash = digest(name);
  const figures: Array<[string, number, string]> = [
    ["writes a second", writes / (minutes * 60), "1/s"],
    ["updates a second", updates / (minutes * 60), "1/s"],
    ["own memory, third quarter", median(samples.slice(half, quarter)), "MB"],
    ["own memory, last quarter", median(samples.slice(quarter)), "MB"],
    ["own memory, most", Math.max(...samples), "MB"],
    ["resident memory with mapped files, at the end", residentMb, "MB"],
    ["slope of own memory in the second half", slopeMbPerMinute(samples.slice(half)), "MB/min"],
  ];
  for (const [what, value, unit] of figures)
    printFigure({ name: `soak, ${name}: ${what}`, value, unit, n: samples.length, resultHash });
}

/** A store of `documents` small documents, watched in 50 places and written to in others and the same. */
export async function soakMessages(subject: Subject, documents: number, minutes: number): Promise<void> {
  await loadMessages(subject, documents);
  await subject.restart();
  const { http } = subject;
  const prng = createPrng(documents);
  const channel = () => `scale${Math.floor(prng.nextFloat() * (documents / 1000))}`;
  await steady(subject, `${documents} documents`, minutes, {
    watch: (i) => [api.messages!.list!, { channel: `scale${i}`, limit: 100 }],
    read: (n) => http.query(api.messages!.list!, { channel: `scale${n % (documents / 1000)}` }),
    async write(n) {
      const at = n % 2 ? channel() : `scale${n % SUBSCRIBERS}`;
      const id = await http.mutation(api.messages!.send!, { channel: at, body: `soak ${n}`, rank: n });
      if (n % 8 === 0) await http.query(api.messages!.list!, { channel: channel(), limit: 100 });
      await http.mutation(
        n % 3 ? api.messages!.edit! : api.messages!.remove!,
        n % 3 ? { id, body: "x" } : { id },
      );
    },
  });
}

/** A store of `documents` texts with a search index, searched live in 50 ways and written to. */
export async function soakTexts(subject: Subject, documents: number, minutes: number): Promise<void> {
  if (documents > 0) await loadTexts(subject, documents);
  await subject.restart();
  const { http } = subject;
  const prng = createPrng(documents);
  const some = () => word(Math.floor(20_000 * prng.nextFloat() ** 3));
  await steady(subject, `${documents} texts`, minutes, {
    watch: (i) => [api.search!.find!, { search: word(2_000 + 7 * i).slice(0, 4), limit: 20 }],
    read: () => http.query(api.search!.find!, { search: `${some()} `, limit: 20 }),
    write: async (n) => {
      const body = [some(), some(), word(2_000 + 7 * (n % SUBSCRIBERS))].join(" ");
      await http.mutation(api.search!.write!, { articles: [{ title: `soak${n}`, body }] });
      if (n % 4 === 0) await http.query(api.search!.find!, { search: some(), limit: 20 });
    },
  });
}
