import { randomUUID } from "node:crypto";
import { encodeTs } from "../values/encoded";

/** A session's state version: `ts` in nanoseconds since the epoch. */
export interface StateVersion {
  querySet: number;
  identity: number;
  ts: bigint;
}

/** Clients take larger transitions in pieces of at most this many characters. */
const MAX_MESSAGE_CHARS = 5_000_000;

function versionText({ querySet, identity, ts }: StateVersion): string {
  return `{"querySet":${querySet},"identity":${identity},"ts":"${encodeTs(ts)}"}`;
}

/** The wire messages of one transition: itself, or its chunks when it is over 5,000,000 characters. */
export function transitionMessages(start: StateVersion, end: StateVersion, changes: string[]): string[] {
  const text = `{"type":"Transition","startVersion":${versionText(start)},"endVersion":${versionText(end)},"modifications":[${changes.join(",")}]}`;
  if (text.length <= MAX_MESSAGE_CHARS) return [text];
  const totalParts = Math.ceil(text.length / MAX_MESSAGE_CHARS);
  const transitionId = randomUUID();
  return Array.from({ length: totalParts }, (_, partNumber) =>
    JSON.stringify({
      type: "TransitionChunk",
      chunk: text.slice(partNumber * MAX_MESSAGE_CHARS, (partNumber + 1) * MAX_MESSAGE_CHARS),
      partNumber,
      totalParts,
      transitionId,
    }),
  );
}
