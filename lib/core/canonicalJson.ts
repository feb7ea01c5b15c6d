/**
 * Canonical JSON in the manner of RFC 8785: keys sorted by UTF-16 code units, no white space, numbers in
 * the shortest form of ECMAScript. Equal values give equal text on every machine, so the text is hashed.
 *
 * Choices beyond the RFC: -0 is written as 0; object fields that are undefined are dropped; anything that
 * JSON cannot carry (NaN, Infinity, bigint, functions, Date, typed arrays, undefined in an array) is
 * refused with its path, because a silent null would let two different values share a hash.
 */
export function canonicalJson(value: unknown): string {
  return write(value, "$");
}

function write(value: unknown, path: string): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return value ? "true" : "false";
    case "number":
      if (!Number.isFinite(value)) throw refusal(path, `the number ${value}`);
      return String(value === 0 ? 0 : value);
    case "object":
      if (value === null) return "null";
      if (Array.isArray(value)) return writeArray(value, path);
      return writeObject(value, path);
    default:
      throw refusal(path, typeof value);
  }
}

function writeArray(values: unknown[], path: string): string {
  const parts: string[] = [];
  for (let i = 0; i < values.length; i++) parts.push(write(values[i], `${path}[${i}]`));
  return `[${parts.join(",")}]`;
}

function writeObject(value: object, path: string): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Objects of another realm (edge runtime, vm) have their own Object.prototype, whose parent is null.
  const plain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!plain) throw refusal(path, `an instance of ${value.constructor?.name ?? "an unknown class"}`);
  const fields = value as Record<string, unknown>;
  const parts: string[] = [];
  for (const key of Object.keys(fields).sort()) {
    const field = fields[key];
    if (field === undefined) continue;
    parts.push(`${JSON.stringify(key)}:${write(field, `${path}.${key}`)}`);
  }
  return `{${parts.join(",")}}`;
}

function refusal(path: string, what: string): TypeError {
  return new TypeError(
    `canonicalJson: ${path} is ${what}, which JSON cannot carry; use a finite number, string, boolean, null, array or plain object`,
  );
}
