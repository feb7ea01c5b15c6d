/**
 * Effective number of independent trials among correlated ones: the effective rank exp(−Σ pᵢ ln pᵢ) with
 * pᵢ = eigenvalue / Σ eigenvalues of the symmetric correlation (or covariance) matrix. Estimated matrices may
 * have slightly negative eigenvalues; those count as zero. Source: Roy and Vetterli (2007).
 * Throws when the matrix is not square, not symmetric or not finite.
 */
export function effectiveRank(matrix: readonly (readonly number[])[]): number {
  const eigenvalues = symmetricEigenvalues(matrix).map((value) => Math.max(0, value));
  const trace = eigenvalues.reduce((sum, value) => sum + value, 0);
  let entropy = 0;
  for (const value of eigenvalues) {
    const share = value / trace;
    if (share > 0) entropy -= share * Math.log(share);
  }
  return Math.exp(entropy);
}

/** Eigenvalues of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, section 8.5). */
export function symmetricEigenvalues(matrix: readonly (readonly number[])[]): number[] {
  const size = matrix.length;
  const a = matrix.map((row) => [...row]);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const value = a[i]![j];
      if (!Number.isFinite(value) || a[i]!.length !== size || Math.abs(value! - a[j]![i]!) > 1e-9) {
        throw new RangeError(`The matrix must be square, symmetric and finite; see row ${i}, column ${j}.`);
      }
    }
  }
  for (let sweep = 0; sweep < 100; sweep++) {
    let offDiagonal = 0;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        offDiagonal += a[p]![q]! ** 2;
        rotate(a, p, q);
      }
    }
    if (offDiagonal < 1e-24) break;
  }
  return a.map((row, i) => row[i]!);
}

function rotate(a: number[][], p: number, q: number): void {
  const apq = a[p]![q]!;
  if (apq === 0) return;
  const tau = (a[q]![q]! - a[p]![p]!) / (2 * apq);
  const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau));
  const cos = 1 / Math.sqrt(1 + t * t);
  const sin = t * cos;
  for (let k = 0; k < a.length; k++) {
    const kp = a[k]![p]!;
    const kq = a[k]![q]!;
    a[k]![p] = cos * kp - sin * kq;
    a[k]![q] = sin * kp + cos * kq;
  }
  for (let k = 0; k < a.length; k++) {
    const pk = a[p]![k]!;
    const qk = a[q]![k]!;
    a[p]![k] = cos * pk - sin * qk;
    a[q]![k] = sin * pk + cos * qk;
  }
}
