import type { Outcome } from "../runtime/outcome";
import type { QueryResult } from "../subscriptions/queryCache";
import { encodeTs, type JsonObject, type JsonValue } from "../values/encoded";

/** What clients send. */
export type ClientMessage =
  | { type: "Connect"; sessionId: string }
  | {
      type: "Authenticate";
      tokenType: "User" | "Admin" | "None";
      value?: string;
      baseVersion: number;
      impersonating?: JsonObject;
    }
  | { type: "ModifyQuerySet"; baseVersion: number; newVersion: number; modifications: QuerySetChange[] }
  | {
      type: "Mutation" | "Action";
      requestId: number;
      udfPath: string;
      args: JsonValue[];
      componentPath?: string;
    }
  | { type: "Event" };

export type QuerySetChange =
  | {
      type: "Add";
      queryId: number;
      udfPath: string;
      args: JsonValue[];
      journal?: string | null;
      componentPath?: string;
    }
  | { type: "Remove"; queryId: number };

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
  const transitionId = `${end.querySet}/${end.identity}/${encodeTs(end.ts)}`;
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

/** One changed query inside a transition. */
export function updateText(queryId: number, result: QueryResult): string {
  const tail = `"logLines":${JSON.stringify(result.logLines)},"journal":${JSON.stringify(result.journal)}}`;
  if (result.ok) return `{"type":"QueryUpdated","queryId":${queryId},"value":${result.valueText},${tail}`;
  const data = result.valueText === undefined ? "" : `"errorData":${result.valueText},`;
  return `{"type":"QueryFailed","queryId":${queryId},"errorMessage":${JSON.stringify(result.errorMessage)},${data}${tail}`;
}

/** The answer to a mutation or an action; `extra` is further JSON fields. */
export function responseMessage(type: string, requestId: number, outcome: Outcome, extra: string): string {
  const head = `{"type":"${type}","requestId":${requestId}`;
  const logLines = `"logLines":${JSON.stringify(outcome.logLines)}`;
  if (outcome.ok) return `${head},"success":true,"result":${outcome.valueText}${extra},${logLines}}`;
  const data = outcome.errorData === undefined ? "" : `,"errorData":${JSON.stringify(outcome.errorData)}`;
  return `${head},"success":false,"result":${JSON.stringify(outcome.errorMessage)}${data},${logLines}}`;
}
