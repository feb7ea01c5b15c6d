import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Plugin } from "esbuild";

/** SHA-256 of `convex/dist/esm/values/value.js` of the versions whose text is known: 1.48.0. */
const KNOWN = new Set(["8fe3724fe536b92042aadfeb6eebaa43bbbc55f26688fc468bc1193d851d632e"]);

/**
 * Two loops of the library's value conversion, which every document passes on its way into a function and out of it: half of
 * what a range query of small documents computes. What they take and give, in which order they read it and what they refuse
 * in which words stays the same:
 *
 * - `jsonToConvex` lists the fields once instead of twice, as names instead of pairs, and returns scalars without a call;
 * - `convexToJson` takes fields that already stand in order, as every stored document's do, without pairs and sorting; all
 *   others go the library's own way. The path for a possible error is made only where there can be one;
 * - a field name that was found valid is not looked at again, character by character.
 */
const REPLACEMENTS: Array<[theirs: string, ours: string]> = [
  [
    `export function jsonToConvex(value) {`,
    `const validFields = new Set();
function checkObjectField(k) {
  if (validFields.has(k)) return;
  validateObjectField(k);
  if (validFields.size < 4096) validFields.add(k);
}
export function jsonToConvex(value) {`,
  ],
  [
    `  const entries = Object.entries(value);
  if (entries.length === 1) {
    const key = entries[0][0];`,
    `  const keys = Object.keys(value);
  if (keys.length === 1) {
    const key = keys[0];`,
  ],
  [
    `  for (const [k, v] of Object.entries(value)) {
    validateObjectField(k);
    out[k] = jsonToConvex(v);
  }`,
    `  for (let i = 0; i < keys.length; i++) {
    const k = keys[i];
    const v = value[k];
    checkObjectField(k);
    out[k] = v === null || typeof v === "string" || typeof v === "number" || typeof v === "boolean" ? v : jsonToConvex(v);
  }`,
  ],
  [
    `  const entries = Object.entries(value);
  entries.sort(([k1, _v1]`,
    `  const keys = Object.keys(value);
  let sorted = true;
  for (let i = 1; sorted && i < keys.length; i++) sorted = keys[i - 1] < keys[i];
  if (sorted) {
    const values = keys.map((k) => value[k]);
    for (let i = 0; i < keys.length; i++) {
      const k = keys[i];
      const v = values[i];
      if (v === void 0) {
        if (!includeTopLevelUndefined) continue;
        checkObjectField(k);
        out[k] = convexOrUndefinedToJsonInternal(v, originalValue, context + \`.\${k}\`);
        continue;
      }
      checkObjectField(k);
      out[k] = typeof v === "string" || typeof v === "number" && !isSpecial(v) ? v : convexToJsonInternal(v, originalValue, context + \`.\${k}\`, false);
    }
    return out;
  }
  const entries = Object.entries(value);
  entries.sort(([k1, _v1]`,
  ],
];

function replaceOnce(text: string, theirs: string, ours: string): string {
  const parts = text.split(theirs);
  if (parts.length !== 2) throw new Error(`convex/values has ${parts.length - 1} places like ${theirs}`);
  return parts.join(ours);
}

/** The library's value conversion with {@link REPLACEMENTS}; the text itself when it is of another version. */
export function fasterValues(text: string): string {
  if (!KNOWN.has(createHash("sha256").update(text).digest("hex"))) return text;
  return REPLACEMENTS.reduce((changed, [theirs, ours]) => replaceOnce(changed, theirs, ours), text);
}

/** Bundles {@link fasterValues} in place of the library's file. */
export const convexValues: Plugin = {
  name: "convex-values",
  setup(build) {
    build.onLoad({ filter: /[\\/]convex[\\/]dist[\\/]esm[\\/]values[\\/]value\.js$/ }, ({ path }) => ({
      contents: fasterValues(readFileSync(path, "utf8")),
      loader: "js",
    }));
  },
};
