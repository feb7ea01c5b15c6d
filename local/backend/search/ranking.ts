import { lengthOfCode } from "./tokens";

/** A matching document: its position in the index's lists and its score. */
export interface Hit {
  position: string;
  score: number;
}

/** Documents with equal counts of every term and equal lengths: they score the same. */
interface MatchClass {
  counts: number[];
  lengthCode: number;
  documents: number;
  /** The newest of them. */
  positions: string[];
}

/** Collects matching documents, newest first, in memory bounded by the number of distinct scores. */
export class Matches {
  /** Convex ranks no more than this many. */
  static readonly MOST = 1024;
  readonly classes = new Map<string, MatchClass>();
  private readonly counts: number[];
  private position = "";
  private lengthCode = 0;

  constructor(slots: number) {
    this.counts = Array<number>(slots).fill(0);
  }

  begin(position: string, lengthCode: number): void {
    this.counts.fill(0);
    this.position = position;
    this.lengthCode = lengthCode;
  }

  count(slot: number, occurrences: number): void {
    this.counts[slot] = Math.min(0xffff, this.counts[slot]! + occurrences);
  }

  end(): void {
    const key = String.fromCharCode(this.lengthCode, ...this.counts);
    let found = this.classes.get(key);
    if (!found) {
      found = { counts: [...this.counts], lengthCode: this.lengthCode, documents: 0, positions: [] };
      this.classes.set(key, found);
    }
    found.documents++;
    if (found.positions.length < Matches.MOST) found.positions.push(this.position);
  }
}

const K1 = 1.2;
const B = 0.75;
/** What a longer word counts for the word it starts with. */
const PREFIX_WEIGHT = 0.5;

/**
 * BM25 (Robertson and Zaragoza 2009; k1 1.2, b 0.75) whose corpus is the set of matching documents: the number of documents,
 * how many hold each term and their mean length are taken over that set alone, so that a document that does not match cannot
 * change the order. The slot after the terms counts longer words that start with the term `last`; they are half an occurrence
 * of it. Equal scores: newest first.
 */
export function rankMatches(matches: Matches, terms: number, last: number): Hit[] {
  const classes = [...matches.classes.values()].map(({ counts, ...group }) => {
    const occurrences = counts.slice(0, terms);
    if (last >= 0) occurrences[last]! += PREFIX_WEIGHT * counts[terms]!;
    return { ...group, occurrences };
  });
  let documents = 0;
  let words = 0;
  const holding = Array<number>(terms).fill(0);
  for (const group of classes) {
    documents += group.documents;
    words += group.documents * lengthOfCode(group.lengthCode);
    for (let i = 0; i < holding.length; i++) if (group.occurrences[i]! > 0) holding[i]! += group.documents;
  }
  const meanLength = words / documents;
  const weights = holding.map((held) => Math.log(1 + (documents - held + 0.5) / (held + 0.5)) * (K1 + 1));
  const byScore = new Map<number, string[][]>();
  for (const group of classes) {
    const damping = K1 * (1 - B + (B * lengthOfCode(group.lengthCode)) / meanLength);
    let score = 0;
    for (let i = 0; i < weights.length; i++) {
      const count = group.occurrences[i]!;
      if (count > 0) score += (weights[i]! * count) / (count + damping);
    }
    const rounded = Math.fround(score);
    const peers = byScore.get(rounded);
    if (peers) peers.push(group.positions);
    else byScore.set(rounded, [group.positions]);
  }
  const hits: Hit[] = [];
  for (const score of [...byScore.keys()].sort((a, b) => b - a)) {
    if (hits.length >= Matches.MOST) break;
    for (const position of byScore.get(score)!.flat().sort()) hits.push({ position, score });
  }
  return hits.slice(0, Matches.MOST);
}
