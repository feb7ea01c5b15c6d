/** Reads only: names that no version has yet. */
import { ConvexError } from "convex/values";
import { appError } from "../../lib/contract/errors";
import { LIMITS } from "../../lib/contract/limits";
import type { QueryCtx } from "../_generated/server";

/** More versions than this of one making need names that a person gives. */
const NAME_SUFFIX_MAX = 100;

/**
 * A name that no version has yet. One that a person gave is refused when it is taken or of no use; one that was
 * made gets a number. Versions of older desks keep the names they have, doubled ones too.
 */
export async function freeName(ctx: QueryCtx, given: string | undefined, made: string): Promise<string> {
  const isTaken = async (name: string) =>
    (await ctx.db
      .query("agentVersions")
      .withIndex("by_name", (q) => q.eq("name", name))
      .first()) !== null;
  if (given !== undefined) {
    const name = given.trim();
    const refuse = (code: "INVALID_ARGUMENT" | "CONFLICT", message: string) => {
      throw new ConvexError(appError(code, message, "name"));
    };
    if (name === "" || name.length > LIMITS.nameChars) {
      refuse("INVALID_ARGUMENT", `name must be 1 to ${LIMITS.nameChars} characters, got ${name.length}`);
    }
    if (await isTaken(name)) refuse("CONFLICT", `A version is called ${name} already; choose another name`);
    return name;
  }
  const base = made.slice(0, LIMITS.nameChars - 4);
  if (!(await isTaken(base))) return base;
  for (let number = 2; number < NAME_SUFFIX_MAX; number++) {
    const name = `${base}-${number}`;
    if (!(await isTaken(name))) return name;
  }
  throw new ConvexError(
    appError(
      "LIMIT_EXCEEDED",
      `There are ${NAME_SUFFIX_MAX - 1} versions called ${base}; give a name`,
      "name",
    ),
  );
}
