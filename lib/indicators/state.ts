import { RollingWindow } from "./window";

/**
 * The state of indicators as plain numbers. Indicators are classes whose fields are numbers, Float64Arrays
 * and other such objects, so a walk over the fields in the order of their making is the whole state: what
 * two equally made objects hold can be moved from one to the other. Windows are written from their oldest value
 * on, and nothing counts bars or keeps a seed for ever: two series of which only the beginnings differ come to
 * the same state once their averages have forgotten them.
 */
export function exportState(target: object, out: number[] = []): number[] {
  const written = target instanceof RollingWindow ? target.fromOldest() : target;
  for (const value of Object.values(written)) {
    if (typeof value === "number") out.push(value);
    else if (value instanceof Float64Array) for (const item of value) out.push(item);
    else if (typeof value === "object" && value !== null) exportState(value, out);
    else throw new TypeError(`indicator state: a field of ${target.constructor.name} is a ${typeof value}`);
  }
  return out;
}

/** Inverse of `exportState` on an equally made object. Throws RangeError when the length does not fit. */
export function importState(target: object, state: ArrayLike<number>): void {
  const end = read(target, state, 0);
  if (end !== state.length) {
    throw new RangeError(`indicator state: ${state.length} numbers were given, ${end} are needed`);
  }
}

function read(target: object, state: ArrayLike<number>, from: number): number {
  let at = from;
  for (const [key, value] of Object.entries(target)) {
    if (typeof value === "number") (target as Record<string, number>)[key] = state[at++]!;
    else if (value instanceof Float64Array) {
      for (let i = 0; i < value.length; i++) value[i] = state[at++]!;
    } else at = read(value, state, at);
  }
  return at;
}
