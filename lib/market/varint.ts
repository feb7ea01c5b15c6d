/** Unsigned LEB128 and zigzag integers up to 2^53 over a byte buffer; one writer is used at a time. */
export interface Writer {
  byte(value: number): void;
  /** Writes an integer in [0, 2^53). */
  varint(value: number): void;
  /** Writes a signed integer with |value| < 2^52. */
  zigzag(value: number): void;
  bytes(values: Uint8Array): void;
  /** Copy of what was written. */
  finish(): Uint8Array;
}

const MAX_VARINT_BYTES = 8;

export function createWriter(): Writer {
  let buffer = new Uint8Array(16_384);
  let length = 0;

  function reserve(extra: number): void {
    if (length + extra <= buffer.length) return;
    const grown = new Uint8Array(Math.max(buffer.length * 2, length + extra));
    grown.set(buffer);
    buffer = grown;
  }

  function varint(value: number): void {
    if (length + MAX_VARINT_BYTES > buffer.length) reserve(MAX_VARINT_BYTES);
    // Bit operations cover 31 bits; above them the low seven bits are taken by arithmetic.
    while (value >= 0x80000000) {
      buffer[length++] = (value % 128) + 128;
      value = Math.floor(value / 128);
    }
    while (value >= 128) {
      buffer[length++] = (value & 127) | 128;
      value >>>= 7;
    }
    buffer[length++] = value;
  }

  return {
    byte(value) {
      reserve(1);
      buffer[length++] = value;
    },
    varint,
    zigzag: (value) => varint(value < 0 ? -2 * value - 1 : 2 * value),
    bytes(values) {
      reserve(values.length);
      buffer.set(values, length);
      length += values.length;
    },
    finish: () => buffer.slice(0, length),
  };
}

/** Reads what a Writer wrote; every method throws RangeError past the end. */
export interface Reader {
  byte(): number;
  varint(): number;
  zigzag(): number;
  bytes(count: number): Uint8Array;
  /** Throws RangeError when bytes are left over. */
  end(): void;
}

export function createReader(buffer: Uint8Array): Reader {
  let position = 0;

  function byte(): number {
    if (position >= buffer.length) throw new RangeError(`chunk: truncated at byte ${position}`);
    return buffer[position++]!;
  }

  function varint(): number {
    let part = byte();
    if (part < 128) return part;
    let value = part & 127;
    let factor = 128;
    do {
      part = byte();
      value += (part & 127) * factor;
      factor *= 128;
      if (value > Number.MAX_SAFE_INTEGER) throw new RangeError("chunk: damaged, an integer exceeds 2^53");
    } while (part >= 128);
    return value;
  }

  return {
    byte,
    varint,
    zigzag() {
      const value = varint();
      // Halves by arithmetic because values may exceed 32 bits; odd codes are the negative numbers.
      return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    },
    bytes(count) {
      if (position + count > buffer.length) throw new RangeError(`chunk: truncated at byte ${position}`);
      position += count;
      return buffer.subarray(position - count, position);
    },
    end() {
      if (position !== buffer.length) {
        throw new RangeError(`chunk: damaged, ${buffer.length - position} bytes follow its end`);
      }
    },
  };
}
