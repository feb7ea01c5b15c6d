import type { RejectReason } from "./validate";

const COMMA = 44;
const DOT = 46;
const ZERO = 48;
const POWERS_OF_TEN = Float64Array.from({ length: 16 }, (_, k) => Number(`1e${k}`));
const PLAIN_NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const NOT_FINITE_WORD = /^[+-]?(nan|inf|infinity)$/i;

/** Reads six numbers from one line; returns why it cannot, or null. */
export function scanFields(
  data: Uint8Array,
  start: number,
  end: number,
  out: Float64Array,
): RejectReason | null {
  let field = 0;
  let position = start;
  let broken: RejectReason | null = null;
  while (position <= end) {
    let mantissa = 0;
    let digits = 0;
    let dotAt = -1;
    let fast = true;
    const fieldStart = position;
    for (; position < end; position++) {
      const digit = data[position]! - ZERO;
      if (digit >= 0 && digit <= 9) {
        mantissa = mantissa * 10 + digit;
        digits++;
      } else if (digit === COMMA - ZERO) break;
      else if (digit === DOT - ZERO && dotAt < 0) dotAt = digits;
      else fast = false;
    }
    if (field < 6) {
      // At most 15 digits: the mantissa and the power of ten are exact, so one division rounds correctly.
      if (fast && digits > 0 && digits <= 15) {
        out[field] = dotAt < 0 ? mantissa : mantissa / POWERS_OF_TEN[digits - dotAt]!;
      } else {
        const text = decodeText(data, fieldStart, position);
        if (PLAIN_NUMBER.test(text)) {
          out[field] = Number(text);
          if (!Number.isFinite(out[field]!)) broken ??= "notFinite";
        } else broken ??= NOT_FINITE_WORD.test(text) ? "notFinite" : "nonNumeric";
      }
    }
    field++;
    position++;
  }
  return field === 6 ? broken : "columnCount";
}

/** UTF-8 text of bytes [start, end); damaged bytes become replacement characters. */
export function decodeText(data: Uint8Array, start: number, end: number): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(data.subarray(start, end));
}
