import { createPrng } from "../../lib/core/prng";
import { printFigure } from "../lib/figure";
import { digest, printLatency, printRate, sample } from "../lib/samples";
import { api, type Subject } from "./subject";

const BATCH = 500;
const LOADERS = 4;
const WORDS = 20_000;
const WORDS_EACH = 5;

/** Five letters for each number: words with common beginnings, as languages have them. */
export function word(n: number): string {
  let text = "";
  for (let rest = n, i = 0; i < 5; i++, rest = Math.floor(rest / 12))
    text = "abcdefghijkl"[rest % 12]! + text;
  return text;
}

/** Loads short texts of a skewed vocabulary: the commonest word stands in about a sixth of them, the rarest in 80 of a million. */
export async function load(subject: Subject, documents: number): Promise<void> {
  let next = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: LOADERS }, async () => {
      const { http } = subject;
      while (next < documents) {
        const prng = createPrng(next);
        const articles = Array.from({ length: BATCH }, (_, i) => ({
          title: `t${next + i}`,
          body: Array.from({ length: WORDS_EACH }, () =>
            word(Math.floor(WORDS * prng.nextFloat() ** 3)),
          ).join(" "),
        }));
        next += BATCH;
        await http.mutation(api.search!.write!, { articles });
        if (next % 50_000 === 0) process.stderr.write(`loading: ${next} of ${documents} texts\n`);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1000;
  printRate(
    `import of ${documents} short texts with a search index`,
    documents,
    seconds,
    "documents/s",
    documents,
  );
}

/** Full-text search over `documents` short texts: rare and common words, several words, a word that is still being typed. */
export async function benchSearch(subject: Subject, documents: number): Promise<void> {
  await load(subject, documents);
  const value = await subject.restart();
  const resultHash = digest(documents);
  printFigure({
    name: `process start to ready with ${documents} texts`,
    value,
    unit: "ms",
    n: 1,
    resultHash,
  });
  const { http } = subject;
  const searches: Record<string, (round: number) => string> = {
    "a rare word": (round) => `${word(10_000 + round)} `,
    "a word of one text in a hundred": () => `${word(10)} `,
    "the commonest word": () => `${word(0)} `,
    "a common and a rare word": (round) => `${word(0)} ${word(10_000 + round)} `,
    "four letters of a word being typed": (round) => word(10_000 + 12 * round).slice(0, 4),
    "three letters of a word being typed": () => word(1_728).slice(0, 3),
    "two letters of a word being typed": () => word(1_728).slice(0, 2),
    "the one letter that most words begin with": () => word(0).slice(0, 1),
  };
  for (const [name, text] of Object.entries(searches)) {
    let found = 0;
    const samples = await sample(20, async (round) => {
      const titles = (await http.query(api.search!.find!, {
        search: text(round + 10),
        limit: 20,
      })) as string[];
      found += titles.length;
    });
    printLatency(`search for ${name}, first 20 of ${documents} texts over HTTP`, samples, found);
  }
}
