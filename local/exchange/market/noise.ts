/**
 * Counter-based noise: every draw is a pure function of its keys, so any minute of the market can be generated
 * without generating the ones before it. Not for secrets.
 */

/** Mixes 32-bit keys into one 32-bit hash (murmur3's mixing steps and finaliser). */
export function hashKeys(...keys: number[]): number {
  let h = 0x9e3779b9;
  for (const key of keys) {
    let k = Math.imul(key | 0, 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, 0x1b873593);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  h ^= keys.length * 4;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A name as a 32-bit key (FNV-1a over UTF-16 units). */
export function nameKey(name: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  return h >>> 0;
}

export interface NoiseStream {
  /** Uniform in (0, 1). */
  uniform(): number;
  /** Standard normal. */
  gaussian(): number;
  /** Student t with 4 degrees of freedom scaled to unit variance: the fat tails of minute returns. */
  fatTailed(): number;
}

/** A short independent stream for one key (mulberry32, seeded by `hashKeys`). */
export function createNoise(...keys: number[]): NoiseStream {
  let state = hashKeys(...keys);
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
  let spare = Number.NaN;
  const gaussian = (): number => {
    if (!Number.isNaN(spare)) {
      const held = spare;
      spare = Number.NaN;
      return held;
    }
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const fatTailed = (): number => {
    // t4 = z / sqrt(chi2_4 / 4); chi2_4 = -2 ln(u1 u2); variance of t4 is 2.
    const chiSquared = -2 * Math.log(uniform() * uniform());
    return gaussian() / Math.sqrt(chiSquared / 4) / Math.SQRT2;
  };
  return { uniform, gaussian, fatTailed };
}
