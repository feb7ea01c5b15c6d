import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import { LIMITS } from "../../lib/contract/limits";
import { sha256Hex } from "../../lib/core/sha256";
import { type Desk, expectFailure, freezeDate, NOW_MS, openDesk } from "./setup";

let desk: Desk;
beforeEach(async () => {
  freezeDate();
  desk = await openDesk();
});
afterEach(() => {
  vi.useRealTimers();
});

const HASH = sha256Hex("a one-time code");
const INVITE = { codeHash: HASH, role: "operator", subject: "local:ada", displayName: "Ada" } as const;
const redeem = (codeHash = HASH) => desk.anonymous.mutation(api.access.console.redeemLink, { codeHash });
const invite = (change: Partial<typeof INVITE> | { subject: string } = {}) =>
  desk.admin.mutation(api.access.console.inviteMember, { ...INVITE, ...change });

describe("sign-in links", () => {
  test("a link makes a member with the invited role, exactly once", async () => {
    await invite();
    expect(await redeem()).toEqual({ subject: "local:ada", displayName: "Ada", role: "operator" });
    const ada = desk.t.withIdentity({ issuer: "https://assay.local", subject: "local:ada" });
    expect(await ada.query(api.access.console.me, {})).toMatchObject({ role: "operator" });
    expect(await redeem()).toBeNull();
  });

  test("used, expired and wrong codes give one and the same answer", async () => {
    await invite();
    await redeem();
    expect(await redeem()).toBeNull();
    expect(await redeem(sha256Hex("a guess"))).toBeNull();
    await invite({ codeHash: sha256Hex("late") } as Partial<typeof INVITE>);
    vi.setSystemTime(NOW_MS + LIMITS.signInLinkTtlMs + 1);
    expect(await redeem(sha256Hex("late"))).toBeNull();
  });

  test("the last millisecond of its life still counts", async () => {
    await invite();
    vi.setSystemTime(NOW_MS + LIMITS.signInLinkTtlMs);
    expect(await redeem()).toMatchObject({ subject: "local:ada" });
  });

  test("S-02: no link can be made for a service identity, so a person never gets a worker's token", async () => {
    await expectFailure(invite({ subject: "service:worker" }), "INVALID_ARGUMENT", "subject");
    const byWorker = { ...INVITE, subject: "service:intruder" };
    await expectFailure(
      desk.service.mutation(api.access.worker.createLink, byWorker),
      "INVALID_ARGUMENT",
      "subject",
    );
  });

  test("a second link with the same code is refused, so that neither stops working", async () => {
    await invite();
    await expectFailure(invite({ subject: "local:eve" }), "CONFLICT", "codeHash");
    expect(await redeem()).toMatchObject({ subject: "local:ada" });
  });
});

describe("members", () => {
  test("a disabled member is refused everywhere and is nobody to `me`; a new link does not enable them", async () => {
    const set = (subject: string, disabled: boolean) =>
      desk.admin.mutation(api.access.console.setDisabled, { subject, disabled });
    await set("local:operator", true);
    await expectFailure(desk.operator.query(api.runs.console.list, {}), "FORBIDDEN");
    expect(await desk.operator.query(api.access.console.me, {})).toBeNull();
    await invite({ subject: "local:operator" });
    await redeem();
    await expectFailure(desk.operator.query(api.runs.console.list, {}), "FORBIDDEN");
    await set("local:operator", false);
    expect(await desk.operator.query(api.runs.console.list, {})).toEqual([]);
    await expectFailure(set("local:nobody", true), "NOT_FOUND", "subject");
    await expectFailure(set("local:admin", true), "CONFLICT", "subject");
  });

  test("starting again changes nothing: members, limits, kill switch and audit stay as they are", async () => {
    const everything = () =>
      desk.t.run(async (ctx) => ({
        members: await ctx.db.query("members").collect(),
        limits: await ctx.db.query("riskLimits").collect(),
        killSwitch: await ctx.db.query("killSwitch").collect(),
        audit: await ctx.db.query("auditEntries").collect(),
      }));
    const before = await everything();
    await desk.service.mutation(api.access.worker.bootstrap, {});
    expect(await everything()).toEqual(before);
    expect(before.killSwitch).toMatchObject([{ epoch: 1, mode: "armed" }]);
  });

  test("`me` is null for a stranger and for nobody, and names a member's role", async () => {
    expect(await desk.anonymous.query(api.access.console.me, {})).toBeNull();
    expect(await desk.outsider.query(api.access.console.me, {})).toBeNull();
    expect(await desk.admin.query(api.access.console.me, {})).toMatchObject({ role: "admin" });
  });
});
