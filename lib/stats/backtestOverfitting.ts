/** Stored beside every value computed here. */
export const PBO_CONVENTION =
  "bailey-borwein-lopez-de-prado-zhu-2017/cscv/sharpe-ddof1/tie-counts-as-overfit";

/**
 * Probability of backtest overfitting by combinatorially symmetric cross-validation (CSCV).
 * Source: Bailey, Borwein, López de Prado, Zhu (2017).
 */
export interface OverfittingResult {
  splits: number;
  /** Share of splits with λ <= 0 (a tie counts as overfit). About 0.5 without skill. */
  pbo: number;
  /** Share with λ < 0 only, to show how much ties matter. */
  pboStrict: number;
  meanLogit: number;
  firstLogit: number;
  /** Least-squares slope of the chosen strategy's out-of-sample Sharpe on its in-sample Sharpe. */
  slope: number;
  /** Share of splits in which the chosen strategy loses out of sample. */
  lossProbability: number;
}

/** Sums of one block of rows for one strategy, shifted by the column mean against cancellation. */
interface Blocks {
  sums: Float64Array;
  squares: Float64Array;
  counts: Float64Array;
  columnMeans: Float64Array;
}

/**
 * `returns` is row-major, `rows` periods by `strategies` columns. Rows are cut into `blocks` (even) blocks of
 * equal length; every choice of half of them is one in-sample set. Sharpe has ddof 1 and is 0 without variation;
 * the best in-sample strategy is the first of equals; its out-of-sample rank is 1 + the number strictly worse.
 * Throws when the shape does not fit.
 */
export function probabilityOfOverfitting(
  returns: ArrayLike<number>,
  rows: number,
  strategies: number,
  blocks: number,
): OverfittingResult {
  if (returns.length !== rows * strategies || strategies < 2) {
    throw new RangeError(`${returns.length} returns do not make ${rows} rows of ${strategies} (at least 2).`);
  }
  if (blocks < 2 || blocks % 2 !== 0 || blocks > 20 || rows % blocks !== 0 || rows / blocks < 2) {
    throw new RangeError(
      `blocks must be even, 2 to 20, and cut ${rows} rows into equal parts; got ${blocks}.`,
    );
  }
  const sums = blockSums(returns, rows, strategies, blocks);
  const full = (1 << blocks) - 1;
  const logits: number[] = [];
  const inSample: number[] = [];
  const outOfSample: number[] = [];
  for (const mask of halves(blocks)) {
    const inside = sharpes(sums, strategies, blocks, mask);
    const outside = sharpes(sums, strategies, blocks, full ^ mask);
    let best = 0;
    for (let k = 1; k < strategies; k++) if (inside[k]! > inside[best]!) best = k;
    let rank = 1;
    for (let k = 0; k < strategies; k++) if (outside[k]! < outside[best]!) rank += 1;
    const omega = rank / (strategies + 1);
    logits.push(Math.log(omega / (1 - omega)));
    inSample.push(inside[best]!);
    outOfSample.push(outside[best]!);
  }
  const share = (count: number) => count / logits.length;
  return {
    splits: logits.length,
    pbo: share(logits.filter((logit) => logit <= TIE).length),
    pboStrict: share(logits.filter((logit) => logit < -TIE).length),
    meanLogit: logits.reduce((sum, logit) => sum + logit, 0) / logits.length,
    firstLogit: logits[0]!,
    slope: leastSquaresSlope(inSample, outOfSample),
    lossProbability: share(outOfSample.filter((sharpe) => sharpe < 0).length),
  };
}

/** ω = 1/2 may come out as a logit of 1e-16. */
const TIE = 1e-12;

/** All masks with half of the bits set, in lexicographic order of the chosen block indices. */
function halves(blocks: number): number[] {
  const masks: number[] = [];
  const choose = (next: number, left: number, mask: number) => {
    if (left === 0) masks.push(mask);
    else for (let i = next; i <= blocks - left; i++) choose(i + 1, left - 1, mask | (1 << i));
  };
  choose(0, blocks / 2, 0);
  return masks;
}

function blockSums(returns: ArrayLike<number>, rows: number, strategies: number, blocks: number): Blocks {
  const columnMeans = new Float64Array(strategies);
  for (let i = 0; i < returns.length; i++) columnMeans[i % strategies]! += returns[i]! / rows;
  const sums = new Float64Array(blocks * strategies);
  const squares = new Float64Array(blocks * strategies);
  const counts = new Float64Array(blocks);
  const perBlock = rows / blocks;
  for (let row = 0; row < rows; row++) {
    const block = Math.floor(row / perBlock);
    counts[block]! += 1;
    for (let k = 0; k < strategies; k++) {
      const shifted = returns[row * strategies + k]! - columnMeans[k]!;
      sums[block * strategies + k]! += shifted;
      squares[block * strategies + k]! += shifted * shifted;
    }
  }
  return { sums, squares, counts, columnMeans };
}

function sharpes(parts: Blocks, strategies: number, blocks: number, mask: number): Float64Array {
  const result = new Float64Array(strategies);
  let count = 0;
  for (let block = 0; block < blocks; block++) if (mask & (1 << block)) count += parts.counts[block]!;
  for (let k = 0; k < strategies; k++) {
    let sum = 0;
    let square = 0;
    for (let block = 0; block < blocks; block++) {
      if ((mask & (1 << block)) === 0) continue;
      sum += parts.sums[block * strategies + k]!;
      square += parts.squares[block * strategies + k]!;
    }
    const variance = (square - (sum * sum) / count) / (count - 1);
    result[k] = variance > 1e-30 ? (sum / count + parts.columnMeans[k]!) / Math.sqrt(variance) : 0;
  }
  return result;
}

function leastSquaresSlope(x: readonly number[], y: readonly number[]): number {
  const meanX = x.reduce((sum, value) => sum + value, 0) / x.length;
  const meanY = y.reduce((sum, value) => sum + value, 0) / y.length;
  let cross = 0;
  let square = 0;
  for (let i = 0; i < x.length; i++) {
    cross += (x[i]! - meanX) * (y[i]! - meanY);
    square += (x[i]! - meanX) ** 2;
  }
  return square > 0 ? cross / square : 0;
}
