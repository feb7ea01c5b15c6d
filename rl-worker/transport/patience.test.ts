import { ConvexError } from "convex/values";
import { expect, test } from "vitest";
import { appError, rateLimitedError } from "../../lib/contract/errors";
import { PATIENCE, withPatience } from "./patience";

const limited = (retryAfterMs: number) =>
  new ConvexError(rateLimitedError("tokenCalls", 1_200, 60_000, retryAfterMs));

/** A call that is refused with each of these first; what it was asked, waited and said. */
function scripted(refusals: unknown[]) {
  const seen = { calls: 0, waits: [] as number[], messages: [] as string[] };
  const call = async () => {
    const refusal = refusals[seen.calls++];
    if (refusal !== undefined) throw refusal;
    return "done";
  };
  const waiting = {
    clock: { sleep: async (ms: number) => void seen.waits.push(ms) },
    onWait: (message: string) => void seen.messages.push(message),
  };
  return { seen, outcome: withPatience(call, waiting) };
}

test("a call refused as too often is made again after exactly the time the refusal names, and says that it waits", async () => {
  const { seen, outcome } = scripted([limited(50), limited(1_200)]);
  expect(await outcome).toBe("done");
  expect(seen.waits).toEqual([50, 1_200]);
  expect(seen.messages[1]).toMatch(/tokenCalls is 1200 in 60 s; try again in 2 s; waiting/);
});

test("it does not wait for ever: neither more times nor longer in all than its bounds", async () => {
  const often = scripted(Array.from({ length: 20 }, () => limited(1)));
  await expect(often.outcome).rejects.toMatchObject({ data: { code: "RATE_LIMITED" } });
  expect(often.seen.calls).toBe(PATIENCE.waits + 1);
  const long = scripted([limited(40_000), limited(PATIENCE.totalMs)]);
  await expect(long.outcome).rejects.toMatchObject({ data: { code: "RATE_LIMITED" } });
  expect(long.seen.waits).toEqual([40_000]);
});

test.each([
  ["another refusal", new ConvexError(appError("CONFLICT", "no"))],
  ["a crash", new Error("broken")],
])("%s is passed on at once", async (_what, error) => {
  const { seen, outcome } = scripted([error]);
  await expect(outcome).rejects.toBe(error);
  expect(seen).toMatchObject({ calls: 1, waits: [] });
});
