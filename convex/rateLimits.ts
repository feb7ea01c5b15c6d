/** How often one caller may do what is rare in honest use. What a trading desk does all day is not counted here. */
import { MINUTE, RateLimiter } from "@convex-dev/rate-limiter";
import { ConvexError } from "convex/values";
import { rateLimitedError } from "../lib/contract/errors";
import { components } from "./_generated/api";
import type { MutationCtx } from "./_generated/server";

/** Token buckets: `capacity` at once, then `rate` in each period. */
export const RATES = {
  /** Wrong sign-in codes, by address and, of a stale link, its member. Right ones cost nothing and always pass. */
  signInFailures: { kind: "token bucket", rate: 10, period: MINUTE, capacity: 20 },
  /** Jobs that a person asks for, by member; what a search goes on to ask is not counted. `ops/model.ts` bounds how many wait. */
  jobRequests: { kind: "token bucket", rate: 60, period: MINUTE, capacity: 120 },
  /** Calls of a machine that open something new (a claim, an upload, a run, a link), by service token. */
  tokenCalls: { kind: "token bucket", rate: 1_200, period: MINUTE, capacity: 2_400 },
} as const;

export type RateName = keyof typeof RATES;

const limiter = new RateLimiter(components.rateLimiter, RATES);

/**
 * Counts one use of a limit and refuses with RATE_LIMITED when there is none left. The count is part of the transaction: a mutation
 * that fails afterwards has used nothing.
 */
export async function countUse(ctx: MutationCtx, name: RateName, key: string): Promise<void> {
  const { ok, retryAfter } = await limiter.limit(ctx, name, { key });
  if (ok) return;
  const { rate, period } = RATES[name];
  throw new ConvexError(rateLimitedError(name, rate, period, Math.ceil(retryAfter ?? period)));
}
