/** Sizes, words and constructs that have no place anywhere in the project. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { lineOf, visit } from "../sourceTree";
import type { SourceRule } from "./types";

export const MAX_LINES = 350;
export const MAX_BYTES = 200_000;
const MAX_IMAGE_BYTES = 1_000_000;

/** Longer files, each with its reason. */
const LONG_FILES: Record<string, string> = {
  "rl-worker/train/dqn.ts": "one algorithm, read from top to bottom",
};

/** Written by npm. */
const LARGE_FILES = new Set(["package-lock.json"]);
const IMAGE = /\.(png|jpe?g|webp|svg|ico|woff2)$/;
const TEXT = /\.(tsx?|[cm]?js|json|md|css|ya?ml|txt|html|sh)$|^\.[a-z.]+$|^\.ci\/|(^|\/)(LICENSE|NOTICE)$/;

/** Machine paths and package hosts: true on one computer only. `tests/arch` has to name them. */
const FORBIDDEN_WORDS = [
  /\/work\//,
  /\/(home|Users)\/\w+\//,
  /\/root\//,
  /[A-Z]:\\\\Users/,
  /registry\.(npmjs\.org|yarnpkg\.com|npmmirror\.com)/,
  /npm\.pkg\.github\.com/,
];
const MAY_NAME_THEM = /^tests\/arch\/|^package-lock\.json$/;

export const hygieneRules: SourceRule[] = [
  {
    name: "files-stay-readable",
    why: "A file that cannot be read in one sitting is not reviewed.",
    check: (tree) =>
      tree.sources
        .filter((file) => LONG_FILES[file.path] === undefined)
        .map((file) => ({ path: file.path, lines: file.text.split("\n").length - 1 }))
        .filter(({ lines }) => lines > MAX_LINES)
        .map(({ path, lines }) => ({ path, message: `has ${lines} lines; ${MAX_LINES} is the limit` })),
  },
  {
    name: "no-large-files",
    why: "Data is imported, not committed.",
    check: (tree) =>
      tree.files
        .filter(({ path, bytes }) => bytes > (IMAGE.test(path) ? MAX_IMAGE_BYTES : MAX_BYTES))
        .filter(({ path }) => !LARGE_FILES.has(path))
        .map(({ path, bytes }) => ({ path, message: `has ${bytes} bytes` })),
  },
  {
    name: "no-raw-html",
    why: "Names and notes come from people and exchanges; as raw HTML they would run in an operator's session.",
    check: (tree) =>
      tree.sources
        .filter((file) => /^(app|components)\//.test(file.path))
        .flatMap((file) => {
          const found: Array<{ path: string; line: number; message: string }> = [];
          visit(file.ast, (node) => {
            if (node.name === "dangerouslySetInnerHTML") {
              found.push({
                path: file.path,
                line: lineOf(file, node),
                message: "uses dangerouslySetInnerHTML",
              });
            }
          });
          return found;
        }),
  },
  {
    name: "no-machine-paths-or-hosts",
    why: "What names one machine works on one machine.",
    check: (tree) =>
      tree.files
        .filter(({ path }) => TEXT.test(path) && !MAY_NAME_THEM.test(path))
        .flatMap(({ path }) =>
          readFileSync(join(tree.root, path), "utf8")
            .split("\n")
            .flatMap((text, index) =>
              FORBIDDEN_WORDS.filter((word) => word.test(text)).map((word) => ({
                path,
                line: index + 1,
                message: `names ${word.exec(text)?.[0]}`,
              })),
            ),
        ),
  },
];
