import { ln } from "./math";

/**
 * Deterministic random numbers: xoshiro128** 1.1 (Blackman and Vigna, public domain), integer arithmetic
 * only, so a seed gives the same sequence on every engine. Not for secrets.
 */
export interface Prng {
  /** 32 random bits as an integer in [0, 2^32). */
  nextUint32(): number;
  /** Uniform in [0, 1) with 53 random bits. */
  nextFloat(): number;
  /** Uniform integer in [0, n), without bias; n must be an integer in 1 .. 2^32. */
  nextInt(n: number): number;
  /** Standard normal (Marsaglia's polar method). */
  nextGaussian(): number;
  /** JSON-serialisable state: four words, then 1 and the spare normal value, or 0 and 0. */
  state(): number[];
}

/** Seeds by SplitMix32 over both halves of the seed; `seed` must be a safe integer (negative allowed). */
export function createPrng(seed: number): Prng {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`prng: seed must be a safe integer, got ${seed}`);
  let mix = (seed >>> 0) ^ Math.imul(Math.floor(seed / 4294967296), 0x85ebca6b);
  const next = () => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix ^ (mix >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  const words = [next(), next(), next(), next()];
  return build(words[0]!, words[1]!, words[2]!, words[3]!, null);
}

/** Continues from `state()`; throws when the state is malformed or all zero (a fixed point). */
export function prngFromState(state: readonly number[]): Prng {
  const [a, b, c, d, hasSpare, spare] = state;
  const words = [a, b, c, d];
  const valid =
    state.length === 6 &&
    words.every((w) => Number.isInteger(w) && w! >= 0 && w! < 4294967296) &&
    words.some((w) => w !== 0) &&
    (hasSpare === 0 || hasSpare === 1) &&
    Number.isFinite(spare);
  if (!valid)
    throw new RangeError("prng: state must be four 32-bit words (not all zero), a flag and a number");
  return build(a!, b!, c!, d!, hasSpare === 1 ? spare! : null);
}

function build(a: number, b: number, c: number, d: number, spare: number | null): Prng {
  a |= 0;
  b |= 0;
  c |= 0;
  d |= 0;

  function nextUint32(): number {
    const x = Math.imul(b, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return result;
  }

  function nextFloat(): number {
    const high = nextUint32() >>> 5;
    return (high * 67108864 + (nextUint32() >>> 6)) / 9007199254740992;
  }

  function nextInt(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 4294967296) {
      throw new RangeError(`prng: nextInt needs an integer in 1 .. 2^32, got ${n}`);
    }
    const limit = 4294967296 - (4294967296 % n);
    let x = nextUint32();
    while (x >= limit) x = nextUint32();
    return x % n;
  }

  function nextGaussian(): number {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    for (;;) {
      const u = 2 * nextFloat() - 1;
      const v = 2 * nextFloat() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) {
        const scale = Math.sqrt((-2 * ln(s)) / s);
        spare = v * scale;
        return u * scale;
      }
    }
  }

  return {
    nextUint32,
    nextFloat,
    nextInt,
    nextGaussian,
    state: () => [a >>> 0, b >>> 0, c >>> 0, d >>> 0, spare === null ? 0 : 1, spare ?? 0],
  };
}
