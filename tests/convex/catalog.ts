/** Every registered function of the control plane, with sample arguments made from its own validators. */
import { type FunctionReference, makeFunctionReference } from "convex/server";
import type { ValidatorJSON } from "convex/values";
import { modules } from "./setup";

interface Registered {
  isQuery?: boolean;
  isMutation?: boolean;
  isAction?: boolean;
  isPublic?: boolean;
  isInternal?: boolean;
  exportArgs(): string;
}

export interface CatalogEntry {
  /** As in `convex run`: "ops/worker:claim". */
  path: string;
  kind: "query" | "mutation" | "action";
  isPublic: boolean;
  args: ValidatorJSON;
  reference: FunctionReference<"query" | "mutation">;
}

function isRegistered(value: unknown): value is Registered {
  return (
    typeof value === "function" && ("isPublic" in value || "isInternal" in value) && "exportArgs" in value
  );
}

/** Loads every module under convex/ and lists what it registers. */
export async function loadCatalog(): Promise<CatalogEntry[]> {
  const entries: CatalogEntry[] = [];
  for (const [file, load] of Object.entries(modules)) {
    if (file.includes("_generated") || file.endsWith(".config.ts")) continue;
    const module = file.replace(/^.*\/convex\//, "").replace(/\.ts$/, "");
    for (const [name, value] of Object.entries((await load()) as Record<string, unknown>)) {
      if (!isRegistered(value)) continue;
      const kind = value.isQuery ? "query" : value.isMutation ? "mutation" : "action";
      const path = `${module}:${name}`;
      const args = JSON.parse(value.exportArgs()) as ValidatorJSON;
      entries.push({
        path,
        kind,
        isPublic: value.isPublic === true,
        args,
        reference: makeFunctionReference(path),
      });
    }
  }
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** A well-formed id of a row that does not exist. */
export const unknownId = (table: string) => `9999999${table}`;

/** Valid arguments; optional ones are left out, numbers ascend in order, ids are of no row. */
export function sample(validator: ValidatorJSON, count = { value: 0 }): unknown {
  switch (validator.type) {
    case "number":
      count.value += 1;
      return count.value;
    case "string":
      return "sample";
    case "boolean":
      return true;
    case "null":
      return null;
    case "bytes":
      return new ArrayBuffer(8);
    case "id":
      return unknownId(validator.tableName);
    case "literal":
      return validator.value;
    case "array":
      return [sample(validator.value, count)];
    case "record":
      return { key: sample(validator.values.fieldType, count) };
    case "union":
      return sample(validator.value.find((member) => member.type === "null") ?? validator.value[0]!, count);
    case "object":
      return Object.fromEntries(
        Object.entries(validator.value)
          .filter(([, field]) => !field.optional)
          .map(([name, field]) => [name, sample(field.fieldType, count)]),
      );
    default:
      throw new Error(`no sample for a validator of type ${validator.type}`);
  }
}

export interface Variant {
  /** Where the change is, as the builders write it: `points[0].entropy`. */
  path: string;
  value: unknown;
}

const under = (path: string, name: string) => (path === "" ? name : `${path}.${name}`);

/** Whole samples in which each number in turn is `replacement`, optional and union branches included. */
export function withNumber(validator: ValidatorJSON, replacement: number, path = ""): Variant[] {
  switch (validator.type) {
    case "number":
      return [{ path, value: replacement }];
    case "array":
      return withNumber(validator.value, replacement, `${path}[0]`).map((inner) => ({
        ...inner,
        value: [inner.value],
      }));
    case "record":
      return withNumber(validator.values.fieldType, replacement, under(path, "key")).map((inner) => ({
        ...inner,
        value: { key: inner.value },
      }));
    case "union":
      return validator.value.flatMap((member) => withNumber(member, replacement, path));
    case "object": {
      const whole = sample(validator) as object;
      return Object.entries(validator.value).flatMap(([name, field]) =>
        withNumber(field.fieldType, replacement, under(path, name)).map((inner) => ({
          ...inner,
          value: { ...whole, [name]: inner.value },
        })),
      );
    }
    default:
      return [];
  }
}

/** Whole samples in which each object in turn has one field that nobody asked for. */
export function withExtraField(validator: ValidatorJSON, path = ""): Variant[] {
  switch (validator.type) {
    case "array":
      return withExtraField(validator.value, `${path}[0]`).map((inner) => ({
        ...inner,
        value: [inner.value],
      }));
    case "object": {
      const whole = sample(validator) as object;
      const nested = Object.entries(validator.value).flatMap(([name, field]) =>
        withExtraField(field.fieldType, under(path, name)).map((inner) => ({
          ...inner,
          value: { ...whole, [name]: inner.value },
        })),
      );
      return [{ path: under(path, "role"), value: { ...whole, role_: "admin" } }, ...nested];
    }
    default:
      return [];
  }
}

/** True when a valid call must name at least one row. */
export function namesARow(validator: ValidatorJSON): boolean {
  if (validator.type === "id") return true;
  if (validator.type === "array") return namesARow(validator.value);
  if (validator.type !== "object") return false;
  return Object.values(validator.value).some((field) => !field.optional && namesARow(field.fieldType));
}
