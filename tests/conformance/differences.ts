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
    "run once after their mutation committed, and show how they ended": "its jobs get no time of completion",
    "that fail leave nothing but their error": "its failed jobs carry no error",
    "that were cancelled never run, in the same mutation or later, by a mutation or an action":
      "it cancels jobs that have finished",
    "stored by an action come back whole, with what is known of them": "it forgets the type of a file",
    "finds what holds any of the words, whatever the case, and a beginning of the last one":
      "it splits text at spaces only",
    "does not look into a field that holds no text": "it takes what is there for text",
    "negation on floats and on int64s": "it has no negation",
  },
};
