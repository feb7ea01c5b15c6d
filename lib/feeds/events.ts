import { LIMITS } from "../contract/limits";
import { err, ok, type Result } from "../core/result";
import { valueProblem } from "./types";

/** What a machine or a file says about the market: an idea, a signal, a piece of news, a text read from a picture. */
export interface FeedEvent {
  /** The publisher's own id; the same id is the same event. */
  externalId: string;
  /** `externalId` of an earlier event of the same publisher that this one corrects. */
  corrects?: string;
  /** When it was published, UTC ms. */
  eventAtMs: number;
  /** -1 (down) to 1 (up). */
  score: number;
  /** 0 to 1. */
  confidence?: number;
  title: string;
  text?: string;
  url?: string;
}

export interface EventProblem {
  field: keyof FeedEvent;
  message: string;
}

const ID = /^[\x21-\x7e]{1,120}$/;

/** Whether an event can be stored at `nowMs` of the desk; the first thing that is wrong with it, with its limit. */
export function checkEvent(event: FeedEvent, nowMs: number): Result<FeedEvent, EventProblem> {
  const { externalId, corrects, eventAtMs, score, confidence, title, text, url } = event;
  const refuse = (field: keyof FeedEvent, message: string) => err({ field, message });
  const idRule = "must be 1 to 120 printable ASCII characters without spaces";
  if (!ID.test(externalId)) return refuse("externalId", `externalId ${idRule}`);
  if (corrects !== undefined && !ID.test(corrects)) return refuse("corrects", `corrects ${idRule}`);
  if (corrects === externalId)
    return refuse("corrects", "an event cannot correct itself; give the correction an externalId of its own");
  if (!Number.isSafeInteger(eventAtMs) || eventAtMs <= 0)
    return refuse("eventAtMs", `eventAtMs is ${eventAtMs}; send UTC milliseconds as a whole number`);
  if (eventAtMs > nowMs + LIMITS.eventAheadMs) {
    const ahead = Math.round((eventAtMs - nowMs) / 1_000);
    const limit = LIMITS.eventAheadMs / 1_000;
    return refuse("eventAtMs", `eventAtMs is ${ahead} s ahead of the desk; at most ${limit} s are accepted`);
  }
  const problem = valueProblem("ideas", score);
  if (problem !== null) return refuse("score", `score is ${score}; it must be from -1 (down) to 1 (up)`);
  if (confidence !== undefined && !(confidence >= 0 && confidence <= 1))
    return refuse("confidence", `confidence is ${confidence}; it must be from 0 to 1`);
  if (title.trim() === "") return refuse("title", "title is empty; say in a few words what happened");
  const texts = [
    ["title", title, LIMITS.eventTitleChars],
    ["text", text, LIMITS.eventTextChars],
    ["url", url, LIMITS.eventUrlChars],
  ] as const;
  for (const [field, value, limit] of texts) {
    if (value !== undefined && value.length > limit)
      return refuse(field, `${field} has ${value.length} characters; the limit is ${limit}, shorten it`);
  }
  if (url !== undefined && !/^https?:\/\/[^\s]+$/.test(url))
    return refuse("url", "url must begin with http:// or https:// and hold no spaces");
  return ok(event);
}
