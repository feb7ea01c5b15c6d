import type { Finding, SourceTree } from "../sourceTree";

/** A rule that needs more than an import: it reads syntax, sizes or names. */
export interface SourceRule {
  name: string;
  /** Why breaking it hurts. */
  why: string;
  check(tree: SourceTree): Array<Omit<Finding, "rule">>;
}
