/**
 * Elementary functions made of IEEE 754 basic operations only (+, -, *, /), so their bits do not depend
 * on the engine's Math library. Math.sqrt, floor, round, abs, min and max are exact by standard and need
 * no twin here. Method: fdlibm (e_log.c, k_sin.c, k_cos.c); errors stay below 1 ulp for ln and below 2e-15 for the circle.
 */

const words = new Uint32Array(2);
const float = new Float64Array(words.buffer);
const HI = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/** 2^k at k + 1024, subnormals included: looked up, because putting the bits together in memory takes longer. */
const POWERS_OF_TWO = new Float64Array(2048);
POWERS_OF_TWO[1024] = 1;
for (let k = 1; k <= 1023; k++) POWERS_OF_TWO[1024 + k] = POWERS_OF_TWO[1023 + k]! * 2;
for (let k = -1; k >= -1024; k--) POWERS_OF_TWO[1024 + k] = POWERS_OF_TWO[1025 + k]! / 2;

/** 2^k for a whole k in -1024 .. 1023. */
export function powerOfTwo(k: number): number {
  return POWERS_OF_TWO[k + 1024]!;
}

const LN2_HI = 0.6931471803691238;
const LN2_LO = 1.9082149292705877e-10;

/** Natural logarithm. ln(0) = -Infinity, ln(x < 0) = NaN, ln(NaN) = NaN, ln(Infinity) = Infinity. */
export function ln(x: number): number {
  if (!(x > 0)) return x === 0 ? Number.NEGATIVE_INFINITY : Number.NaN;
  if (x === Number.POSITIVE_INFINITY) return x;
  let lifted = 0;
  if (x < 2.2250738585072014e-308) {
    x *= 18014398509481984; // 2^54 lifts a subnormal into the normal range
    lifted = 54;
  }
  float[0] = x;
  const high = words[HI]!;
  // Chooses m in [sqrt(1/2), sqrt(2)) with x = 2^exponent * m.
  const exponent = (high >>> 20) - 1023 + (((high & 0xfffff) + 0x95f64) >>> 20);
  const k = exponent - lifted;
  const f = x * powerOfTwo(-exponent) - 1;
  const s = f / (2 + f);
  const z = s * s;
  const w = z * z;
  const even = w * (0.3999999999940942 + w * (0.22222198432149784 + w * 0.15313837699209373));
  const odd =
    z * (0.6666666666666735 + w * (0.2857142874366239 + w * (0.1818357216161805 + w * 0.14798198605116586)));
  const halfSquare = 0.5 * f * f;
  return k * LN2_HI - (halfSquare - (s * (halfSquare + even + odd) + k * LN2_LO) - f);
}

const TAU = 6.283185307179586;

/** sin(2 pi turns) for a finite number of turns; exact at multiples of a quarter turn. */
export function sinTurns(turns: number): number {
  const t = turns - Math.floor(turns);
  const quarter = Math.round(t * 4);
  const x = (t - quarter / 4) * TAU;
  switch (quarter & 3) {
    case 0:
      return sinKernel(x);
    case 1:
      return cosKernel(x);
    case 2:
      return 0 - sinKernel(x);
    default:
      return 0 - cosKernel(x);
  }
}

/** cos(2 pi turns); see `sinTurns`. */
export function cosTurns(turns: number): number {
  return sinTurns(turns - Math.floor(turns) + 0.25);
}

function sinKernel(x: number): number {
  const z = x * x;
  const r =
    8.33333333332249e-3 +
    z *
      (-1.984126982985795e-4 +
        z * (2.7557313707070068e-6 + z * (-2.5050760253406863e-8 + z * 1.58969099521155e-10)));
  return x + z * x * (-0.16666666666666632 + z * r);
}

function cosKernel(x: number): number {
  const z = x * x;
  const r =
    z *
    (0.0416666666666666 +
      z *
        (-1.388888888887411e-3 +
          z *
            (2.480158728947673e-5 +
              z * (-2.7557314351390663e-7 + z * (2.087572321298175e-9 + z * -1.1359647557788195e-11)))));
  return 1 - (0.5 * z - z * r);
}
