/// <reference types="vite/client" />
/** A desk for tests: the real control plane in memory, with one caller of every kind. */

import actionRetrier from "@convex-dev/action-retrier/test";
import rateLimiter from "@convex-dev/rate-limiter/test";
import type { FunctionReference } from "convex/server";
import { convexTest } from "convex-test";
import { expect, vi } from "vitest";
import { api } from "../../convex/_generated/api";
import schema from "../../convex/schema";
import type { AppErrorData } from "../../lib/contract/errors";
import { sha256Hex } from "../../lib/core/sha256";

/** Every module but the exchange client's: "use node" code does not load in the edge runtime. */
export const modules = import.meta.glob(["../../convex/**/*.*s", "!../../convex/market/bingx*.ts"]);

export const ISSUER = "https://assay.local";
/** 2025-07-02 14:30 UTC, a Wednesday; tests that need the clock fake only `Date`. */
export const NOW_MS = Date.UTC(2025, 6, 2, 14, 30);

export function openBackend() {
  const t = convexTest(schema, modules);
  rateLimiter.register(t);
  actionRetrier.register(t);
  return t;
}

export type Backend = ReturnType<typeof openBackend>;
export type Caller = ReturnType<Backend["withIdentity"]>;

function callersOf(t: Backend) {
  const person = (subject: string) => t.withIdentity({ issuer: ISSUER, subject });
  return {
    anonymous: t as Caller,
    /** Signed in by our issuer, but no member. */
    outsider: person("local:stranger"),
    viewer: person("local:viewer"),
    operator: person("local:operator"),
    admin: person("local:admin"),
    service: person("service:worker"),
    /** A machine outside the desk that an admin lets post events. */
    machine: person("api:machine"),
    /** A machine with a token of ours that nobody allowed anything. */
    stranger: person("api:stranger"),
    /** The right subject from somebody else's issuer. */
    foreignService: t.withIdentity({ issuer: "https://elsewhere.example", subject: "service:worker" }),
  };
}

export type CallerName = keyof ReturnType<typeof callersOf>;

/** A desk after its first start: limits set, kill switch armed, a viewer, an operator and an admin. */
export async function openDesk() {
  const t = openBackend();
  const callers = callersOf(t);
  await callers.service.mutation(api.access.worker.bootstrap, {});
  for (const role of ["viewer", "operator", "admin"] as const) {
    const codeHash = sha256Hex(`code of ${role}`);
    const link = { codeHash, role, subject: `local:${role}`, displayName: role };
    await callers.service.mutation(api.access.worker.createLink, link);
    await callers.anonymous.mutation(api.access.console.redeemLink, { codeHash });
  }
  await callers.admin.mutation(api.access.console.allowToken, {
    name: "machine",
    scopes: ["events:write"],
    days: 90,
  });
  return { t, ...callers };
}

export type Desk = Awaited<ReturnType<typeof openDesk>>;

/** Fakes only the date, so that promises and timers of the test backend go on. */
export function freezeDate(timeMs = NOW_MS): void {
  vi.useFakeTimers({ toFake: ["Date"], now: timeMs });
}

/** The error data of a call that must fail with one of ours. */
export async function failure(call: Promise<unknown>): Promise<AppErrorData> {
  const outcome = await call.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in outcome)) expect.fail(`the call succeeded with ${JSON.stringify(outcome.value)}`);
  const { data, message } = outcome.error as { data?: unknown; message: string };
  if (data === undefined) expect.fail(`not one of our errors: ${message}`);
  return (typeof data === "string" ? JSON.parse(data) : data) as AppErrorData;
}

export async function failureCode(call: Promise<unknown>): Promise<string> {
  return (await failure(call)).code;
}

/** Asserts the code of a failed call, and the field when one is given. */
export async function expectFailure(call: Promise<unknown>, code: string, field?: string): Promise<void> {
  const data = await failure(call);
  expect({ code: data.code, field: data.field }).toEqual({ code, field: field ?? data.field });
}

/** Calls a function whatever it is; the matrix tests do not know its kind. */
export function invoke(
  caller: Caller,
  kind: "query" | "mutation",
  reference: FunctionReference<"query" | "mutation">,
  args: Record<string, unknown>,
): Promise<unknown> {
  const method = caller[kind] as (ref: unknown, args: unknown) => Promise<unknown>;
  return method(reference, args);
}
