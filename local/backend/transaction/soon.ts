/** A result that is there at once when what it takes is in memory: a promise per row and per block cost more than the reads. */
export type Soon<T> = T | Promise<T>;

/** Goes on with a result now when it is there, later when it is not. */
export function whenReady<T, R>(value: Soon<T>, next: (value: T) => Soon<R>): Soon<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}
