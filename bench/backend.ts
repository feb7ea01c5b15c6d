/**
 * Embedded backend figures, one JSON line each: `npx tsx bench/backend.ts [--only calls,scale] [--documents 1000000] [--minutes 3]`.
 * About four minutes on two cores, which the clients share with the backend; most of it loads a million documents. Real
 * processes, stock clients unless the name says otherwise, durable commits. `soak` and `soak-texts` run only when they are named: they
 * load that many documents and then watch memory for `--minutes`.
 */
import { parseArgs } from "node:util";
import { benchCalls, benchImport } from "./backend/calls";
import { benchConvexTest, benchStore } from "./backend/references";
import { benchScale } from "./backend/scale";
import { benchSearch } from "./backend/search";
import { soakMessages, soakTexts } from "./backend/soak";
import { benchSubscriptions, benchThroughput } from "./backend/sockets";
import { Subject } from "./backend/subject";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    documents: { type: "string", default: "1000000" },
    minutes: { type: "string", default: "3" },
  },
});
const documents = Number(values.documents);
if (!Number.isInteger(documents / 10_000) || documents <= 10_000) {
  throw new Error(`--documents must be a multiple of 10000 above it, not ${values.documents}`);
}

const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new Error(`--minutes must be a number above 0, not ${values.minutes}`);

const longParts: Record<string, (subject: Subject) => Promise<void>> = {
  soak: (subject) => soakMessages(subject, documents, minutes),
  "soak-texts": (subject) => soakTexts(subject, documents, minutes),
};
const parts: Record<string, (subject: Subject) => Promise<void>> = {
  store: benchStore,
  "convex-test": benchConvexTest,
  calls: benchCalls,
  subscriptions: benchSubscriptions,
  throughput: benchThroughput,
  import: benchImport,
  search: (subject) => benchSearch(subject, documents),
  scale: (subject) => benchScale(subject, [10_000, documents]),
};
const chosen = values.only?.split(",") ?? Object.keys(parts);
const known = { ...parts, ...longParts };
const unknown = chosen.filter((name) => !(name in known));
if (unknown.length > 0) {
  throw new Error(`--only knows ${Object.keys(known).join(", ")}; not ${unknown.join(", ")}`);
}

for (const name of chosen) {
  const subject = await Subject.start();
  try {
    await known[name]!(subject);
  } finally {
    await subject.end();
  }
}
