import { decodeInt64, type JsonValue, wrappedBytes, wrapperOf } from "./encoded";

/** Longer renderings are cut: a sentence for a developer need not carry a whole document. */
const MAX_CHARS = 8_192;

type Typed =
  | { type: "undefined" | "Null" | "Bytes" | "Array" | "Object" }
  | { type: "Int64"; value: bigint }
  | { type: "Float64"; value: number }
  | { type: "Boolean"; value: boolean }
  | { type: "String"; value: string };

function typed(value: JsonValue | undefined): Typed {
  if (value === undefined) return { type: "undefined" };
  if (value === null) return { type: "Null" };
  if (typeof value === "number") return { type: "Float64", value };
  if (typeof value === "boolean") return { type: "Boolean", value };
  if (typeof value === "string") return { type: "String", value };
  if (Array.isArray(value)) return { type: "Array" };
  switch (wrapperOf(value)) {
    case "$undefined":
      return { type: "undefined" };
    case "$integer":
      return { type: "Int64", value: decodeInt64(value) };
    case "$float":
      return { type: "Float64", value: wrappedBytes(value, "$float").readDoubleLE(0) };
    case "$bytes":
      return { type: "Bytes" };
    default:
      return { type: "Object" };
  }
}

/** Name of a value's type as Convex's sentences say it: `Float64`, `String`, ..., or `undefined`. */
export function typeNameOf(value: JsonValue | undefined): Typed["type"] {
  return typed(value).type;
}

function displayFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0.0";
  const text = String(value).replace("e+", "e");
  return /[.e]/.test(text) ? text : `${text}.0`;
}

function render(value: JsonValue | undefined): string {
  const known = typed(value);
  switch (known.type) {
    case "undefined":
      return "undefined";
    case "Null":
      return "null";
    case "Float64":
      return displayFloat(known.value);
    case "Int64":
    case "Boolean":
      return String(known.value);
    case "String":
      return JSON.stringify(known.value);
    case "Bytes":
      return `b"${(value as { $bytes: string }).$bytes}"`;
    case "Array":
      return `[${(value as JsonValue[]).map(render).join(", ")}]`;
    case "Object": {
      const fields = Object.entries(value as { [field: string]: JsonValue });
      return `{${fields.map(([field, inner]) => `${field}: ${render(inner)}`).join(", ")}}`;
    }
  }
}

/** Renders an encoded value the way Convex's error sentences do: `1.0`, `1` (an int64), `"text"`, `{a: [1.0]}`. */
export function displayValue(value: JsonValue | undefined): string {
  const text = render(value);
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text;
}
