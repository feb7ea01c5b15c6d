import { fieldAt } from "../catalog/catalog";
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

function numeric(value: Operand): number | bigint {
  if (typeof value === "number") return value;
  if (value !== null && typeof value === "object" && !Array.isArray(value)) {
    const wrapper = wrapperOf(value);
    if (wrapper === "$integer") return decodeInt64(value);
    if (wrapper === "$float") return wrappedBytes(value, wrapper).readDoubleLE(0);
  }
  throw new Error(`Arithmetic in a filter needs numbers; found ${JSON.stringify(value) ?? "undefined"}.`);
}

function encodeNumeric(value: number | bigint): JsonValue {
  if (typeof value === "bigint") return encodeInt64(BigInt.asIntN(64, value));
  if (Number.isFinite(value) && !Object.is(value, -0)) return value;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return { $float: bytes.toString("base64") };
}

const ARITHMETIC: Record<string, (a: never, b: never) => number | bigint> = {
  $add: (a: number, b: number) => a + b,
  $sub: (a: number, b: number) => a - b,
  $mul: (a: number, b: number) => a * b,
  $div: (a: number, b: number) => a / b,
  $mod: (a: number, b: number) => a % b,
};

function arithmetic(op: string, left: number | bigint, right: number | bigint): JsonValue {
  if (typeof left !== typeof right) throw new Error(`${op} in a filter needs two numbers of one type.`);
  return encodeNumeric(ARITHMETIC[op]!(left as never, right as never));
}

function truthy(value: Operand): boolean {
  if (value !== null && typeof value === "object") return true;
  return Boolean(value);
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
      return !truthy(evaluate(operands as JsonObject, document));
    case "$neg":
      return encodeNumeric(-(numeric(evaluate(operands as JsonObject, document)) as number));
    case "$and":
      return (operands as JsonObject[]).every((inner) => truthy(evaluate(inner, document)));
    case "$or":
      return (operands as JsonObject[]).some((inner) => truthy(evaluate(inner, document)));
    case "$eq":
    case "$neq":
    case "$lt":
    case "$lte":
    case "$gt":
    case "$gte":
      return compare(op, operand(0), operand(1));
    default:
      if (op in ARITHMETIC) return arithmetic(op, numeric(operand(0)), numeric(operand(1)));
      throw new Error(`Unknown filter operator ${op}.`);
  }
}

/** Whether a document passes a serialised `.filter(...)` expression. */
export function passesFilter(expression: JsonValue, document: JsonObject): boolean {
  return truthy(evaluate(expression as JsonObject, document));
}
