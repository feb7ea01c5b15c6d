/** The security perimeter, generated from what the modules really export: roles, numbers, fields, unknown ids. */
import { beforeAll, describe, expect, test } from "vitest";
import type { AppErrorData } from "../../lib/contract/errors";
import { AUTHORITY, type Authority } from "./authority";
import { type CatalogEntry, loadCatalog, namesARow, sample, withExtraField, withNumber } from "./catalog";
import { type CallerName, type Desk, invoke, openDesk } from "./setup";

const catalog = await loadCatalog();
const open = catalog.filter((entry) => entry.isPublic);
const rows = open.map((entry): [string, CatalogEntry] => [entry.path, entry]);

const CALLERS: CallerName[] = [
  "anonymous",
  "outsider",
  "viewer",
  "operator",
  "admin",
  "service",
  "foreignService",
  "machine",
  "stranger",
];
const ALLOWED: Record<Authority, CallerName[]> = {
  open: CALLERS,
  viewer: ["viewer", "operator", "admin"],
  operator: ["operator", "admin"],
  admin: ["admin"],
  service: ["service"],
  api: ["machine"],
};
const allowedCaller = ({ path }: CatalogEntry): CallerName => ALLOWED[AUTHORITY[path] ?? "open"].at(-1)!;

let desk: Desk;
beforeAll(async () => {
  desk = await openDesk();
});

interface Outcome {
  value?: unknown;
  /** The data of one of our errors. */
  data?: AppErrorData;
  /** The message of any other error. */
  crash?: string;
}

async function call(entry: CatalogEntry, caller: CallerName, args: unknown): Promise<Outcome> {
  const { kind, reference } = entry;
  if (kind === "action") throw new Error(`${entry.path} is a public action; no builder makes one`);
  try {
    return { value: await invoke(desk[caller], kind, reference, args as Record<string, unknown>) };
  } catch (error) {
    const { data, message } = error as { data?: AppErrorData | string; message: string };
    if (data === undefined) return { crash: message };
    return { data: typeof data === "string" ? (JSON.parse(data) as AppErrorData) : data };
  }
}

describe("S-02, API5: the matrix of functions and callers", () => {
  test("every public function has a row in authority.ts, and no row is left over", () => {
    expect(open.map((entry) => entry.path)).toEqual(Object.keys(AUTHORITY).sort());
  });

  test.each(rows)("%s answers only those that may call it", async (path, entry) => {
    const args = sample(entry.args);
    for (const caller of CALLERS) {
      const { data } = await call(entry, caller, args);
      const isDenied = data?.code === "FORBIDDEN" || data?.code === "UNAUTHENTICATED";
      expect(isDenied, `${path} called by ${caller}: ${data?.code ?? "no error"}`).toBe(
        !ALLOWED[AUTHORITY[path]!].includes(caller),
      );
      if (isDenied) expect(data.code).toBe(caller === "anonymous" ? "UNAUTHENTICATED" : "FORBIDDEN");
    }
  });

  test("a module's file name says its audience: console for people, worker for services, api for machines outside, internal for nobody", () => {
    for (const { path, isPublic } of catalog) {
      const file = path.replace(/^.*\//, "").replace(/:.*$/, "");
      const audiences: Partial<Record<Authority, string>> = { service: "worker", api: "api" };
      const audience = !isPublic ? "internal" : (audiences[AUTHORITY[path]!] ?? "console");
      expect(file, path).toBe(audience);
    }
  });

  const BUILDERS: Record<string, Authority> = {
    viewerQuery: "viewer",
    viewerMutation: "viewer",
    operatorMutation: "operator",
    adminQuery: "admin",
    adminMutation: "admin",
    workerQuery: "service",
    workerMutation: "service",
    apiMutation: "api",
    anonymousMutation: "open",
    identityQuery: "open",
  };
  test("the builder in the source is the one that its row promises, also in modules that only Node can load", () => {
    const sources = import.meta.glob("../../convex/*/*.ts", {
      query: "?raw",
      import: "default",
      eager: true,
    });
    const found: Record<string, Authority> = {};
    for (const [file, text] of Object.entries(sources)) {
      const module = file.replace(/^.*\/convex\//, "").replace(/\.ts$/, "");
      const exports = String(text).matchAll(/export const (\w+) = (\w+)\(\{/g);
      for (const [, name, builder] of exports) {
        if (BUILDERS[builder!] !== undefined) found[`${module}:${name}`] = BUILDERS[builder!]!;
        else if (builder!.startsWith("internal"))
          expect(builder).toMatch(/^internal(Query|Mutation|Action)Of$/);
      }
    }
    expect(found).toEqual(AUTHORITY);
  });
});

describe("D-05: numbers that are not finite", () => {
  const numeric = rows.filter(([, entry]) => withNumber(entry.args, 1).length > 0);
  test.each(numeric)(
    "%s refuses NaN and infinities in every number and names the field",
    async (_, entry) => {
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        for (const { path, value } of withNumber(entry.args, bad)) {
          const { data, crash } = await call(entry, allowedCaller(entry), value);
          expect({ code: data?.code, field: data?.field, crash }).toEqual({
            code: "NON_FINITE_NUMBER",
            field: path,
          });
        }
      }
    },
  );
});

describe("S-04: fields that nobody asked for", () => {
  test.each(rows)("%s refuses an extra field in every object of its arguments", async (_, entry) => {
    for (const { path, value } of withExtraField(entry.args)) {
      const { crash } = await call(entry, allowedCaller(entry), value);
      expect(crash, `extra field beside ${path}`).toMatch(/Unexpected field `role_`/);
    }
  });
});

describe("S-03: ids of rows that do not exist", () => {
  const naming = rows.filter(([, entry]) => namesARow(entry.args));
  test.each(naming)("%s answers NOT_FOUND in the one shape, or with nothing", async (path, entry) => {
    const { value, data, crash } = await call(entry, allowedCaller(entry), sample(entry.args));
    expect(crash, path).toBeUndefined();
    if (data === undefined) {
      expect(entry.kind, `${path} accepted an unknown row`).toBe("query");
      expect(isEmpty(value), `${path} answered ${JSON.stringify(value)}`).toBe(true);
      return;
    }
    expect(data).toEqual({ code: "NOT_FOUND", kind: "notFound", message: data.message, field: data.field });
    expect(data.field).toMatch(/Id$/);
    expect(data.message).not.toContain("9999999");
  });
});

test("the one address that answers without an identity says that the desk is up, and nothing else", async () => {
  const health = await desk.t.fetch("/health");
  expect([health.status, await health.text()]).toEqual([200, "ok"]);
  expect((await desk.t.fetch("/")).status).toBe(404);
});

/** null, no rows, or a page or columns of none. */
function isEmpty(value: unknown): boolean {
  if (value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== "object") return false;
  return Object.values(value).every((inner) => !Array.isArray(inner) || inner.length === 0);
}
