/** `POST /v1/events`: the token API's function for machines that speak plain HTTP. */
import { ConvexError } from "convex/values";
import { type AppErrorData, appError, asAppError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import { parseEventBody } from "../../lib/feeds/eventBody";
import { api } from "../_generated/api";
import type { ActionCtx } from "../_generated/server";

const STATUS: Record<AppErrorData["kind"], number> = {
  unauthenticated: 401,
  forbidden: 403,
  notFound: 404,
  invalid: 400,
  limited: 429,
  conflict: 409,
  fenced: 409,
  halted: 409,
  corrupt: 409,
};

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  const types = { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" };
  return new Response(JSON.stringify(body), { status, headers: { ...types, ...headers } });
}

function refusal(error: AppErrorData, status = STATUS[error.kind]): Response {
  const { retryAfterMs } = error;
  const wait: [string, string][] =
    retryAfterMs === undefined ? [] : [["retry-after", String(Math.ceil(retryAfterMs / 1_000))]];
  return json(status, { error }, Object.fromEntries(wait));
}

/** Answers 200 with `results`, or the status of the error with `error` in the one shape. */
export async function postEvents(ctx: ActionCtx, request: Request): Promise<Response> {
  if ((await ctx.auth.getUserIdentity()) === null) {
    const message = "Send a token of this desk: authorization: Bearer <token>";
    return refusal(appError("UNAUTHENTICATED", message));
  }
  const tooLong = appError(
    "LIMIT_EXCEEDED",
    `the body is longer than ${LIMITS.eventBodyBytes} bytes; send fewer events a call`,
    "body",
  );
  if (Number(request.headers.get("content-length") ?? 0) > LIMITS.eventBodyBytes)
    return refusal(tooLong, 413);
  const bytes = await request.arrayBuffer();
  if (bytes.byteLength > LIMITS.eventBodyBytes) return refusal(tooLong, 413);
  const body = parseEventBody(new TextDecoder().decode(bytes));
  if (!body.ok) return refusal(body.error);
  try {
    return json(200, { results: await ctx.runMutation(api.feeds.api.post, body.value) });
  } catch (error) {
    const data = error instanceof ConvexError ? asAppError(error.data) : null;
    if (data === null) throw error;
    return refusal(data);
  }
}
