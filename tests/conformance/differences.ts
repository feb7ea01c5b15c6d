/**
 * Cases that a backend cannot express or answers differently from Convex, by backend and title, each with the reason. Whole
 * capabilities that a backend lacks are declared by its driver instead. `table.test.ts` refuses entries that match no case.
 */
export const DIFFERENCES: Record<string, Record<string, string>> = {
  "convex-test": {
    "equalities may come in any order, also after a bound": "it wants them in the index's order",
    "a missing field of an object that inherits one is missing": "it reads what every object inherits",
    "each comparison of each kind of value with each other one follows the order of values":
      "it compares with JavaScript's operators",
    "negation on floats and on int64s": "it has no negation",
  },
};
