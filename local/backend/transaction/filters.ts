import { fieldAt } from "../catalog/catalog";
import { displayValue, typeNameOf } from "../values/display";
import {
  decodeInt64,
  encodeInt64,
  type JsonObject,
  type JsonValue,
  wrappedBytes,
  wrapperOf,
} from "../values/encoded";
import { valueKey } from "../values/keys";

type Operand = JsonValue | undefined;

function numeric(value: Operand): number | bigint | null {
  if (typeof value === "number") return value;
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    const wrapper = wrapperOf(value);
    if (wrapper === "$integer") return decodeInt64(value);
    if (wrapper === "$float") return wrappedBytes(value, wrapper).readDoubleLE(0);
  }
  return null;
}

function described(value: Operand): string {
  return `${displayValue(value)} (type ${typeNameOf(value)})`;
}

function encodeNumeric(value: number | bigint): JsonValue {
  if (typeof value === "bigint") return encodeInt64(BigInt.asIntN(64, value));
  if (Number.isFinite(value) && !Object.is(value, -0)) return value;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return { $float: bytes.toString("base64") };
}

const ARITHMETIC: Record<string, { verb: string; apply: (a: never, b: never) => number | bigint }> = {
  $add: { verb: "add", apply: (a: number, b: number) => a + b },
  $sub: { verb: "subtract", apply: (a: number, b: number) => a - b },
  $mul: { verb: "multiply", apply: (a: number, b: number) => a * b },
  $div: { verb: "divide", apply: (a: number, b: number) => a / b },
  $mod: { verb: "mod", apply: (a: number, b: number) => a % b },
};

function arithmetic(op: string, left: Operand, right: Operand): JsonValue {
  const { verb, apply } = ARITHMETIC[op]!;
  const a = numeric(left);
  const b = numeric(right);
  if (a === null || b === null || typeof a !== typeof b) {
    throw new Error(`Cannot ${verb} ${described(left)} and ${described(right)}`);
  }
  return encodeNumeric(apply(a as never, b as never));
}

function negated(value: Operand): JsonValue {
  const number = numeric(value);
  if (number === null) throw new Error(`Cannot negate ${described(value)}`);
  return encodeNumeric(-number);
}

function asBoolean(value: Operand): boolean {
  if (typeof value === "boolean") return value;
  throw new Error(`Cannot use value ${displayValue(value)} (type ${typeNameOf(value)}) as a Boolean`);
}

function compare(op: string, left: Operand, right: Operand): boolean {
  const a = valueKey(left);
  const b = valueKey(right);
  switch (op) {
    case "$eq":
      return a === b;
    case "$neq":
      return a !== b;
    case "$lt":
      return a < b;
    case "$lte":
      return a <= b;
    case "$gt":
      return a > b;
    default:
      return a >= b;
  }
}

function evaluate(expression: JsonObject, document: JsonObject): Operand {
  const op = Object.keys(expression)[0]!;
  const operands = expression[op] as JsonValue;
  const operand = (i: number) => evaluate((operands as JsonObject[])[i]!, document);
  switch (op) {
    case "$field":
      return fieldAt(document, operands as string);
    case "$literal": {
      const literal = operands as JsonObject;
      const isUndefined = literal !== null && typeof literal === "object" && "$undefined" in literal;
      return isUndefined ? undefined : operands;
    }
    case "$not":
      return !asBoolean(evaluate(operands as JsonObject, document));
    case "$neg":
      return negated(evaluate(operands as JsonObject, document));
    case "$and":
      return (operands as JsonObject[]).every((inner) => asBoolean(evaluate(inner, document)));
    case "$or":
      return (operands as JsonObject[]).some((inner) => asBoolean(evaluate(inner, document)));
    case "$eq":
    case "$neq":
    case "$lt":
    case "$lte":
    case "$gt":
    case "$gte":
      return compare(op, operand(0), operand(1));
    default:
      if (op in ARITHMETIC) return arithmetic(op, operand(0), operand(1));
      throw new Error(`Unknown filter operator ${op}.`);
  }
}

/** Whether a document passes a serialised `.filter(...)` expression. */
export function passesFilter(expression: JsonValue, document: JsonObject): boolean {
  return asBoolean(evaluate(expression as JsonObject, document));
}
