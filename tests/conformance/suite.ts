import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, it } from "vitest";
import { DIFFERENCES } from "./differences";
import { convexTestDriver } from "./drivers/convexTest";
import { deployment } from "./drivers/deployment";
import type { Backend, Capability, Driver } from "./drivers/driver";
import { embedded } from "./drivers/embedded";

const real = deployment(process.env);

/** Every backend of this run. */
export const DRIVERS: Driver[] = [embedded, convexTestDriver, ...(real ? [real] : [])];

export interface Case {
  title: string;
  needs: Capability[];
  body: (backend: Backend, group: string) => Promise<void>;
}

/** Why a case does not run on a backend, or null when it does. */
export function reasonToLeaveOut(
  driver: Driver,
  { title, needs }: Pick<Case, "title" | "needs">,
): string | null {
  for (const capability of needs) {
    const reason = driver.lacks[capability];
    if (reason) return reason;
  }
  return DIFFERENCES[driver.name]?.[title] ?? null;
}

/**
 * Registers the cases of one area for every backend. Each case gets a group of its own, so that runs on one deployment do not meet.
 * What does not run on a backend is reported as skipped with its reason, and listed at the end.
 */
export function conformance(area: string, define: (add: AddCase) => void): void {
  const cases: Case[] = [];
  define((title, body, needs = []) => cases.push({ title, needs, body }));
  for (const driver of DRIVERS) {
    const left = cases.flatMap((entry) => {
      const reason = reasonToLeaveOut(driver, entry);
      return reason === null ? [] : [`  ${entry.title}: ${reason}`];
    });
    describe(`${area} on ${driver.name}`, () => {
      let backend: Backend;
      beforeAll(async () => {
        if (left.length < cases.length) backend = await driver.open();
      });
      afterAll(async () => {
        await backend?.close();
        if (left.length > 0) console.info(`${area}: not run on ${driver.name}\n${left.join("\n")}`);
      });
      for (const entry of cases) {
        const reason = reasonToLeaveOut(driver, entry);
        it(entry.title, async (context) => {
          if (reason !== null) return context.skip(`${driver.name}: ${reason}`);
          await entry.body(backend, randomUUID());
        });
      }
    });
  }
}

export type AddCase = (title: string, body: Case["body"], needs?: Capability[]) => void;

/** The error that a call ends with; fails when it does not fail. */
export async function failureOf(call: Promise<unknown>): Promise<Error & { data?: unknown }> {
  let value: unknown;
  try {
    value = await call;
  } catch (error) {
    return error as Error;
  }
  throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
}
