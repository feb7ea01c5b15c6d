import { type AppErrorData, appError } from "../contract/errors";
import { err, ok, type Result } from "../core/result";
import type { FeedEvent } from "./events";
import { EVENT_FEEDS, type EventFeed } from "./types";

export interface EventBody {
  instrument: string;
  feed: EventFeed;
  events: FeedEvent[];
}

const FIELDS: Record<keyof FeedEvent, "string" | "number"> = {
  externalId: "string",
  corrects: "string",
  eventAtMs: "number",
  score: "number",
  confidence: "number",
  title: "string",
  text: "string",
  url: "string",
};
const REQUIRED: readonly (keyof FeedEvent)[] = ["externalId", "eventAtMs", "score", "title"];

const refuse = (message: string, field: string): { ok: false; error: AppErrorData } =>
  err(appError("INVALID_ARGUMENT", message, field));
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads the JSON body of `POST /v1/events`: shapes only, `checkEvent` judges the values. */
export function parseEventBody(text: string): Result<EventBody, AppErrorData> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return refuse("the body is not JSON; send {instrument, feed, events}", "body");
  }
  if (!isRecord(body)) return refuse("the body is not an object; send {instrument, feed, events}", "body");
  const { instrument, feed, events, ...rest } = body;
  const stray = Object.keys(rest)[0];
  if (stray !== undefined) return refuse(`${stray} is not a field; send {instrument, feed, events}`, stray);
  if (typeof instrument !== "string")
    return refuse("instrument must be a text, e.g. XAUT-USDT", "instrument");
  if (!EVENT_FEEDS.includes(feed as EventFeed))
    return refuse(`feed must be one of ${EVENT_FEEDS.join(", ")}`, "feed");
  if (!Array.isArray(events)) return refuse("events must be a list", "events");
  for (const [i, event] of events.entries()) {
    const problem = shapeProblem(event);
    if (problem !== null) return refuse(`events[${i}]: ${problem.message}`, `events[${i}]${problem.at}`);
  }
  return ok({ instrument, feed: feed as EventFeed, events: events as FeedEvent[] });
}

function shapeProblem(event: unknown): { at: string; message: string } | null {
  if (!isRecord(event)) return { at: "", message: "must be an object" };
  for (const name of REQUIRED) {
    if (event[name] === undefined) return { at: `.${name}`, message: `${name} is missing` };
  }
  for (const [name, value] of Object.entries(event)) {
    const type = Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof FeedEvent] : undefined;
    const known = Object.keys(FIELDS).join(", ");
    if (type === undefined)
      return { at: `.${name}`, message: `${name.slice(0, 40)} is not a field; use ${known}` };
    const actual: string = typeof value;
    if (actual !== type) return { at: `.${name}`, message: `${name} must be a ${type}` };
  }
  return null;
}
