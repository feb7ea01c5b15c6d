/**
 * Test double: the generator of the golden cases, x ← (1664525·x + 1013904223) mod 2³², u = x/2³² − 0.5,
 * row-major. Its figures are published beside the formulas, so it must not change.
 */
export function lcgMatrix(seed: number, rows: number, columns: number): Float64Array {
  let x = seed;
  return Float64Array.from({ length: rows * columns }, () => {
    x = (1_664_525 * x + 1_013_904_223) % 2 ** 32;
    return x / 2 ** 32 - 0.5;
  });
}
