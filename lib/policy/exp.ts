import { powerOfTwo } from "../core/math";

/**
 * e^x from IEEE 754 basic operations only, so its bits do not depend on the engine's Math library.
 * Method and constants: fdlibm e_exp.c (error below 1 ulp). The logarithm's twin is `ln` in core/math.
 */
const INVERSE_LN2 = Math.LOG2E;
const LN2_HI = 0.6931471803691238;
const LN2_LO = 1.9082149292705877e-10;

/** exp(NaN) = NaN, overflow gives Infinity, underflow gives 0 (results below 2^-1021 are flushed to 0). */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > 709.782712893384) return Number.POSITIVE_INFINITY;
  if (x < -707) return 0;
  const k = Math.round(x * INVERSE_LN2);
  const hi = x - k * LN2_HI;
  const lo = k * LN2_LO;
  const r = hi - lo;
  const t = r * r;
  const c =
    r -
    t *
      (0.16666666666666602 +
        t *
          (-2.7777777777015593e-3 +
            t * (6.613756321437934e-5 + t * (-1.6533902205465252e-6 + t * 4.1381367970572385e-8))));
  const y = 1 - (lo - (r * c) / (2 - c) - hi);
  // k = 1024 happens just below overflow; 2^1024 itself is not a double, hence the two factors.
  return k === 1024 ? y * 2 * powerOfTwo(1023) : y * powerOfTwo(k);
}
