/**
 * Directed rounding to an instrument's grid. Counts of steps are divided by the inverse step where it is a
 * whole number (0.1 → 10), so that 20001 ticks of 0.1 give 2000.1 and not 2000.1000000000001.
 */

/** Absorbs binary noise in `value / step`, far below any real tick; it never moves a value by a whole step. */
const STEP_NOISE = 1e-7;

function fromSteps(count: number, step: number): number {
  const inverse = Math.round(1 / step);
  const value = Math.abs(inverse * step - 1) < 1e-9 ? count / inverse : count * step;
  // Adding 0 turns -0 into 0, which would not survive JSON.
  return value + 0;
}

/** Largest multiple of `step` that is not above `value` (within binary noise). Same unit as `value`. */
export function floorToStep(value: number, step: number): number {
  return fromSteps(Math.floor(value / step + STEP_NOISE), step);
}

/** Smallest multiple of `step` that is not below `value` (within binary noise). Same unit as `value`. */
export function ceilToStep(value: number, step: number): number {
  return fromSteps(Math.ceil(value / step - STEP_NOISE), step);
}

/** Nearest multiple of `step`: only for sums of values that already lie on the grid. */
export function snapToStep(value: number, step: number): number {
  return fromSteps(Math.round(value / step), step);
}

/** Signed quantity rounded toward zero, so that rounding never adds exposure. */
export function truncateToStep(value: number, step: number): number {
  return value < 0 ? 0 - floorToStep(-value, step) : floorToStep(value, step);
}
