/**
 * The numeric kernel of the policy network: single-precision dense algebra with 128-bit SIMD.
 *
 * Only add, subtract, multiply, divide, square root, min, max and comparisons are used, each of which
 * IEEE 754 and the WebAssembly specification define to the last bit, so a result does not depend on the
 * machine or the engine. Every sum runs over its inner index in ascending order with one accumulator per
 * output; row and column tiles never split a sum. So a row has the same bits alone or in any batch.
 *
 * One source, several builds (rl-worker/policy/buildKernel.ts). Where relaxed SIMD is enabled `multiplyAdd`
 * rounds once instead of twice, which is faster and gives other bits: those builds only train.
 *
 * All pointers are byte addresses in the imported memory. "Stride" arguments are in bytes. Matrices that
 * are written, and the right-hand matrix of a product, have their columns padded with zeros to a multiple
 * of four.
 */

// @ts-ignore: decorator
@inline const START_ZERO: i32 = 0;
// @ts-ignore: decorator
@inline const START_BIAS: i32 = 1;

/** a * b + c. Rounded twice (baseline), or once where the machine fuses it (relaxed SIMD). */
// @ts-ignore: decorator
@inline
function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(c, f32x4.mul(a, b));
}

/**
 * tanh as an odd rational function of degree 13/6 on [-7.905, 7.905]; within 3e-7 of the true value.
 * Coefficients: Eigen, `generic_fast_tanh_float` (MPL-2.0).
 */
// @ts-ignore: decorator
@inline
function tanh4(input: v128): v128 {
  // pmin and pmax are one machine instruction each, and with the data first they let NaN through.
  const x = f32x4.pmax(f32x4.pmin(input, f32x4.splat(7.90531110763549805)), f32x4.splat(-7.90531110763549805));
  const x2 = f32x4.mul(x, x);
  let p = multiplyAdd(x2, f32x4.splat(-2.76076847742355e-16), f32x4.splat(2.00018790482477e-13));
  p = multiplyAdd(p, x2, f32x4.splat(-8.60467152213735e-11));
  p = multiplyAdd(p, x2, f32x4.splat(5.12229709037114e-8));
  p = multiplyAdd(p, x2, f32x4.splat(1.48572235717979e-5));
  p = multiplyAdd(p, x2, f32x4.splat(6.37261928875436e-4));
  p = multiplyAdd(p, x2, f32x4.splat(4.89352455891786e-3));
  p = f32x4.mul(p, x);
  let q = multiplyAdd(x2, f32x4.splat(1.19825839466702e-6), f32x4.splat(1.18534705686654e-4));
  q = multiplyAdd(q, x2, f32x4.splat(2.26843463243900e-3));
  q = multiplyAdd(q, x2, f32x4.splat(4.89352518554385e-3));
  const y = f32x4.div(p, q);
  return f32x4.pmax(f32x4.pmin(y, f32x4.splat(1)), f32x4.splat(-1));
}

/** tanh over a block in place. A pass of its own: inside the product's tile it would spill the sums. */
function tanhRows(at: usize, rowBytes: usize, rows: i32, columns: i32): void {
  for (let i: i32 = 0; i < rows; i++) {
    const end = at + (<usize>columns << 2);
    let p = at;
    for (; p + 32 <= end; p += 32) {
      const y0 = tanh4(v128.load(p));
      const y1 = tanh4(v128.load(p, 16));
      v128.store(p, y0);
      v128.store(p, y1, 16);
    }
    if (p != end) v128.store(p, tanh4(v128.load(p)));
    at += rowBytes;
  }
}

/**
 * C[i, j] = start + sum over k of A[i, k] * B[k, j], then optionally tanh.
 * A is read one number at a time with free strides, so A may be a transposed view.
 * `start`: 0 = zero, 1 = bias[j], 2 = the present C[i, j]. `columns` is a multiple of four.
 */
export function matmul(
  c: usize, cRow: usize,
  a: usize, aRow: usize, aColumn: usize,
  b: usize, bRow: usize,
  bias: usize, start: i32, useTanh: bool,
  rows: i32, columns: i32, depth: i32,
): void {
  let j: i32 = 0;
  for (; j + 16 <= columns; j += 16) {
    const jBytes = <usize>j << 2;
    let i: i32 = 0;
    for (; i + 2 <= rows; i += 2) {
      const c0 = c + <usize>i * cRow + jBytes;
      const c1 = c0 + cRow;
      let s00: v128, s01: v128, s02: v128, s03: v128;
      let s10: v128, s11: v128, s12: v128, s13: v128;
      if (start == START_ZERO) {
        s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = f32x4.splat(0);
      } else if (start == START_BIAS) {
        s00 = s10 = v128.load(bias + jBytes);
        s01 = s11 = v128.load(bias + jBytes, 16);
        s02 = s12 = v128.load(bias + jBytes, 32);
        s03 = s13 = v128.load(bias + jBytes, 48);
      } else {
        s00 = v128.load(c0); s01 = v128.load(c0, 16); s02 = v128.load(c0, 32); s03 = v128.load(c0, 48);
        s10 = v128.load(c1); s11 = v128.load(c1, 16); s12 = v128.load(c1, 32); s13 = v128.load(c1, 48);
      }
      let ap = a + <usize>i * aRow;
      let bp = b + jBytes;
      const end = bp + <usize>depth * bRow;
      while (bp != end) {
        const a0 = v128.load32_splat(ap);
        const a1 = v128.load32_splat(ap + aRow);
        const b0 = v128.load(bp);
        const b1 = v128.load(bp, 16);
        const b2 = v128.load(bp, 32);
        const b3 = v128.load(bp, 48);
        s00 = multiplyAdd(a0, b0, s00);
        s10 = multiplyAdd(a1, b0, s10);
        s01 = multiplyAdd(a0, b1, s01);
        s11 = multiplyAdd(a1, b1, s11);
        s02 = multiplyAdd(a0, b2, s02);
        s12 = multiplyAdd(a1, b2, s12);
        s03 = multiplyAdd(a0, b3, s03);
        s13 = multiplyAdd(a1, b3, s13);
        ap += aColumn;
        bp += bRow;
      }
      v128.store(c0, s00); v128.store(c0, s01, 16);
      v128.store(c0, s02, 32); v128.store(c0, s03, 48);
      v128.store(c1, s10); v128.store(c1, s11, 16);
      v128.store(c1, s12, 32); v128.store(c1, s13, 48);
    }
    if (i < rows) {
      const c0 = c + <usize>i * cRow + jBytes;
      let s0: v128, s1: v128, s2: v128, s3: v128;
      if (start == START_ZERO) {
        s0 = s1 = s2 = s3 = f32x4.splat(0);
      } else {
        const from = start == START_BIAS ? bias + jBytes : c0;
        s0 = v128.load(from); s1 = v128.load(from, 16); s2 = v128.load(from, 32); s3 = v128.load(from, 48);
      }
      let ap = a + <usize>i * aRow;
      let bp = b + jBytes;
      const end = bp + <usize>depth * bRow;
      while (bp != end) {
        const a0 = v128.load32_splat(ap);
        s0 = multiplyAdd(a0, v128.load(bp), s0);
        s1 = multiplyAdd(a0, v128.load(bp, 16), s1);
        s2 = multiplyAdd(a0, v128.load(bp, 32), s2);
        s3 = multiplyAdd(a0, v128.load(bp, 48), s3);
        ap += aColumn;
        bp += bRow;
      }
      v128.store(c0, s0); v128.store(c0, s1, 16);
      v128.store(c0, s2, 32); v128.store(c0, s3, 48);
    }
  }
  for (; j < columns; j += 4) matmulColumn4(c, cRow, a, aRow, aColumn, b, bRow, bias, start, rows, j, depth);
  if (useTanh) tanhRows(c, cRow, rows, columns);
}

/** The last column groups, four wide: four rows at a time so that four independent sums are under way. */
function matmulColumn4(
  c: usize, cRow: usize,
  a: usize, aRow: usize, aColumn: usize,
  b: usize, bRow: usize,
  bias: usize, start: i32,
  rows: i32, j: i32, depth: i32,
): void {
  const jBytes = <usize>j << 2;
  let i: i32 = 0;
  for (; i + 4 <= rows; i += 4) {
    const c0 = c + <usize>i * cRow + jBytes;
    const c1 = c0 + cRow;
    const c2 = c1 + cRow;
    const c3 = c2 + cRow;
    let s0: v128, s1: v128, s2: v128, s3: v128;
    if (start == START_ZERO) {
      s0 = s1 = s2 = s3 = f32x4.splat(0);
    } else if (start == START_BIAS) {
      s0 = s1 = s2 = s3 = v128.load(bias + jBytes);
    } else {
      s0 = v128.load(c0); s1 = v128.load(c1); s2 = v128.load(c2); s3 = v128.load(c3);
    }
    let ap = a + <usize>i * aRow;
    let bp = b + jBytes;
    const end = bp + <usize>depth * bRow;
    while (bp != end) {
      const b0 = v128.load(bp);
      const ap2 = ap + aRow + aRow;
      s0 = multiplyAdd(v128.load32_splat(ap), b0, s0);
      s1 = multiplyAdd(v128.load32_splat(ap + aRow), b0, s1);
      s2 = multiplyAdd(v128.load32_splat(ap2), b0, s2);
      s3 = multiplyAdd(v128.load32_splat(ap2 + aRow), b0, s3);
      ap += aColumn;
      bp += bRow;
    }
    v128.store(c0, s0);
    v128.store(c1, s1);
    v128.store(c2, s2);
    v128.store(c3, s3);
  }
  for (; i < rows; i++) {
    const c0 = c + <usize>i * cRow + jBytes;
    let s0: v128;
    if (start == START_ZERO) s0 = f32x4.splat(0);
    else if (start == START_BIAS) s0 = v128.load(bias + jBytes);
    else s0 = v128.load(c0);
    let ap = a + <usize>i * aRow;
    let bp = b + jBytes;
    const end = bp + <usize>depth * bRow;
    while (bp != end) {
      s0 = multiplyAdd(v128.load32_splat(ap), v128.load(bp), s0);
      ap += aColumn;
      bp += bRow;
    }
    v128.store(c0, s0);
  }
}

/** grad *= 1 - y * y over `bytes` (a multiple of 16): the derivative of tanh from its own output. */
export function tanhBackward(grad: usize, y: usize, bytes: usize): void {
  const one = f32x4.splat(1);
  const end = grad + bytes;
  while (grad != end) {
    const yv = v128.load(y);
    v128.store(grad, f32x4.mul(v128.load(grad), f32x4.sub(one, f32x4.mul(yv, yv))));
    grad += 16;
    y += 16;
  }
}

/** target[j, i] = source[i, j]. Blocks of 4 x 4 by shuffles, the rest one by one. */
export function transpose(
  target: usize, targetRow: usize, source: usize, sourceRow: usize, rows: i32, columns: i32,
): void {
  const rows4 = rows & ~3;
  const columns4 = columns & ~3;
  for (let i: i32 = 0; i < rows4; i += 4) {
    let from = source + <usize>i * sourceRow;
    let to = target + (<usize>i << 2);
    for (let j: i32 = 0; j < columns4; j += 4) {
      const r0 = v128.load(from);
      const r1 = v128.load(from + sourceRow);
      const r2 = v128.load(from + 2 * sourceRow);
      const r3 = v128.load(from + 3 * sourceRow);
      const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
      v128.store(to + targetRow, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
      v128.store(to + 2 * targetRow, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
      v128.store(to + 3 * targetRow, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
      from += 16;
      to += 4 * targetRow;
    }
    transposeOneByOne(target, targetRow, source, sourceRow, i, i + 4, columns4, columns);
  }
  transposeOneByOne(target, targetRow, source, sourceRow, rows4, rows, 0, columns);
}

function transposeOneByOne(
  target: usize, targetRow: usize, source: usize, sourceRow: usize,
  fromRow: i32, toRow: i32, fromColumn: i32, toColumn: i32,
): void {
  for (let i = fromRow; i < toRow; i++) {
    for (let j = fromColumn; j < toColumn; j++) {
      store<f32>(target + <usize>j * targetRow + (<usize>i << 2), load<f32>(source + <usize>i * sourceRow + (<usize>j << 2)));
    }
  }
}

/**
 * target[j] = sum over rows of source[i, j], or target[j] + that sum with `start` 2; `columns` is a multiple
 * of four.
 */
export function sumRows(
  target: usize, source: usize, sourceRow: usize, start: i32, rows: i32, columns: i32,
): void {
  let j: i32 = 0;
  for (; j + 16 <= columns; j += 16) {
    const into = target + (<usize>j << 2);
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    if (start != START_ZERO) {
      s0 = v128.load(into); s1 = v128.load(into, 16); s2 = v128.load(into, 32); s3 = v128.load(into, 48);
    }
    let at = source + (<usize>j << 2);
    for (let i: i32 = 0; i < rows; i++) {
      s0 = f32x4.add(s0, v128.load(at));
      s1 = f32x4.add(s1, v128.load(at, 16));
      s2 = f32x4.add(s2, v128.load(at, 32));
      s3 = f32x4.add(s3, v128.load(at, 48));
      at += sourceRow;
    }
    v128.store(into, s0); v128.store(into, s1, 16);
    v128.store(into, s2, 32); v128.store(into, s3, 48);
  }
  for (; j < columns; j += 4) {
    const into = target + (<usize>j << 2);
    let sum = start == START_ZERO ? f32x4.splat(0) : v128.load(into);
    let at = source + (<usize>j << 2);
    for (let i: i32 = 0; i < rows; i++) {
      sum = f32x4.add(sum, v128.load(at));
      at += sourceRow;
    }
    v128.store(into, sum);
  }
}

/** target row i = source row indices[i] (32-bit indices), both of `rowBytes`. */
export function gatherRows(
  target: usize, targetRow: usize, source: usize, rowBytes: usize, indices: usize, rows: i32,
): void {
  for (let i: i32 = 0; i < rows; i++) {
    const index = <usize>load<u32>(indices + (<usize>i << 2));
    memory.copy(target + <usize>i * targetRow, source + index * rowBytes, rowBytes);
  }
}

/** Sum of squares in double precision over `bytes` (a multiple of 16): 16 sums side by side, then their sum. */
export function sumSquares(at: usize, bytes: usize): f64 {
  let low0 = f64x2.splat(0), low1 = low0, low2 = low0, low3 = low0;
  let high0 = low0, high1 = low0, high2 = low0, high3 = low0;
  const end64 = at + (bytes & ~63);
  const end = at + bytes;
  while (at != end64) {
    low0 = addSquare(low0, at, 0);
    high0 = addSquare(high0, at, 8);
    low1 = addSquare(low1, at, 16);
    high1 = addSquare(high1, at, 24);
    low2 = addSquare(low2, at, 32);
    high2 = addSquare(high2, at, 40);
    low3 = addSquare(low3, at, 48);
    high3 = addSquare(high3, at, 56);
    at += 64;
  }
  while (at != end) {
    low0 = addSquare(low0, at, 0);
    high0 = addSquare(high0, at, 8);
    at += 16;
  }
  const low = f64x2.add(f64x2.add(low0, low1), f64x2.add(low2, low3));
  const high = f64x2.add(f64x2.add(high0, high1), f64x2.add(high2, high3));
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}

/** sum + the squares of the two numbers at `at` + `offset`. */
// @ts-ignore: decorator
@inline
function addSquare(sum: v128, at: usize, offset: usize): v128 {
  const x = f64x2.promote_low_f32x4(v128.load_zero<u64>(at + offset));
  return f64x2.add(sum, f64x2.mul(x, x));
}

/**
 * One Adam step over `bytes` (a multiple of 16). Kingma & Ba 2015, algorithm 1, with both corrections of the bias
 * taken out of the loop. `settings` points to the numbers that ADAM_SETTINGS of ../instance.ts names, in its order.
 * They are loaded, and not arguments, because V8 moves the making of a vector from an argument into the loop.
 */
export function adam(
  weights: usize, gradient: usize, moment1: usize, moment2: usize, bytes: usize, settings: usize,
): void {
  const scale = v128.load32_splat(settings), keep1 = v128.load32_splat(settings, 4);
  const take1 = v128.load32_splat(settings, 8), keep2 = v128.load32_splat(settings, 12);
  const take2 = v128.load32_splat(settings, 16), rate = v128.load32_splat(settings, 20);
  const root2 = v128.load32_splat(settings, 24), eps = v128.load32_splat(settings, 28);
  const keepWeight = v128.load32_splat(settings, 32);
  for (let at: usize = 0; at < bytes; at += 16) {
    const g = f32x4.mul(v128.load(gradient + at), scale);
    const m = multiplyAdd(g, take1, f32x4.mul(v128.load(moment1 + at), keep1));
    const v = multiplyAdd(f32x4.mul(g, g), take2, f32x4.mul(v128.load(moment2 + at), keep2));
    v128.store(moment1 + at, m);
    v128.store(moment2 + at, v);
    const step = f32x4.div(f32x4.mul(rate, m), multiplyAdd(f32x4.sqrt(v), root2, eps));
    v128.store(weights + at, f32x4.sub(f32x4.mul(v128.load(weights + at), keepWeight), step));
  }
}
