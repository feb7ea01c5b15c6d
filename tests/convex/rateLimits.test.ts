import { componentsGeneric } from "convex/server";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import { RATES, type RateName } from "../../convex/rateLimits";
import { sha256Hex } from "../../lib/core/sha256";
import { appendBars, bar, INSTRUMENT, SOURCE, T0, TF_MS } from "./seed";
import { type Desk, expectFailure, failure, freezeDate, ISSUER, NOW_MS, openDesk } from "./setup";

let desk: Desk;
beforeEach(async () => {
  freezeDate();
  desk = await openDesk();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Uses a limit as that many calls would that leave `rest` of its capacity. */
async function useUp(name: RateName, key: string, rest: number): Promise<void> {
  const { rateLimiter } = componentsGeneric();
  const config = RATES[name];
  const used = { name, key, config, count: config.capacity - rest };
  const taken = await desk.t.run((ctx) => ctx.runMutation(rateLimiter!.lib!.rateLimit!, used));
  expect(taken).toMatchObject({ ok: true });
}

const redeem = (code: string) =>
  desk.anonymous.mutation(api.access.console.redeemLink, { codeHash: sha256Hex(code) });
const invite = (code: string) =>
  desk.admin.mutation(api.access.console.inviteMember, {
    codeHash: sha256Hex(code),
    role: "viewer",
    subject: "local:ada",
    displayName: "Ada",
  });
const SERVICE = `${ISSUER}|service:worker`;

describe("rate limits", () => {
  test("wrong sign-in codes are counted, though they change nothing else, and then refused a while", async () => {
    for (let i = 0; i < RATES.signInFailures.capacity; i++) expect(await redeem(`guess ${i}`)).toBeNull();
    const refused = await failure(redeem("another guess"));
    expect(refused).toMatchObject({ code: "RATE_LIMITED", kind: "limited", limit: "signInFailures" });
    expect(refused.message).toMatch(/signInFailures is 10 in 60 s; try again in 6 s/);
    vi.setSystemTime(NOW_MS + refused.retryAfterMs!);
    expect(await redeem("another guess")).toBeNull();
  });

  test("nobody can lock a member out: however many wrong codes come from their address, the right one signs in", async () => {
    await invite("right");
    for (let i = 0; i < RATES.signInFailures.capacity; i++) await redeem(`guess ${i}`);
    await expectFailure(redeem("one more"), "RATE_LIMITED");
    expect(await redeem("right")).toMatchObject({ subject: "local:ada" });
  });

  test("a member who tries a stale link during a flood of guesses is told that it is stale, until they flood too", async () => {
    await invite("used");
    await redeem("used");
    for (let i = 0; i < RATES.signInFailures.capacity; i++) await redeem(`guess ${i}`);
    await expectFailure(redeem("one more"), "RATE_LIMITED");
    for (let i = 0; i < RATES.signInFailures.capacity; i++) expect(await redeem("used")).toBeNull();
    await expectFailure(redeem("used"), "RATE_LIMITED");
  });

  test("right sign-in codes are not counted", async () => {
    for (let i = 0; i <= RATES.signInFailures.capacity; i++) {
      await invite(`link ${i}`);
      expect(await redeem(`link ${i}`)).toMatchObject({ role: "viewer" });
    }
  });

  test("a member who asks for jobs too often is told when to come back; another member is not held up", async () => {
    await appendBars(desk, [bar(0, 2_000)]);
    const request = (who: "operator" | "admin") =>
      desk[who].mutation(api.datasets.console.requestBuild, {
        ...{ instrument: INSTRUMENT, timeframe: "15m", source: SOURCE, sourceTimeframe: "15m" },
        ...{ fromMs: T0, toMs: T0 + TF_MS, featureSetId: "core-v1" },
      });
    await useUp("jobRequests", `${ISSUER}|local:operator`, 1);
    await request("operator");
    const refused = await failure(request("operator"));
    expect(refused).toMatchObject({ code: "RATE_LIMITED", limit: "jobRequests", retryAfterMs: 1_000 });
    await request("admin");
    vi.setSystemTime(NOW_MS + refused.retryAfterMs!);
    await request("operator");
    const jobs = await desk.t.run((ctx) => ctx.db.query("jobs").collect());
    expect(jobs).toHaveLength(3);
  });

  test("a service token that opens too much is refused, and what it does all day is not counted", async () => {
    // The three links of the desk's members were made with this token.
    await useUp("tokenCalls", SERVICE, 3);
    await expectFailure(desk.service.mutation(api.datasets.worker.uploadUrl, {}), "RATE_LIMITED");
    await desk.service.mutation(api.access.worker.bootstrap, {});
    vi.setSystemTime(NOW_MS + 50);
    await desk.service.mutation(api.datasets.worker.uploadUrl, {});
  });
});
