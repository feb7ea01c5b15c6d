/** Builds the console once per version of its sources; a later start reuses the build. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const INPUTS = [
  "app",
  "components",
  "lib",
  "convex/_generated",
  "public",
  "next.config.ts",
  "package-lock.json",
];
const STAMP = ".next/assay-build.txt";

function hashTree(root: string, path: string, hash: ReturnType<typeof createHash>): void {
  const full = join(root, path);
  if (!existsSync(full)) return;
  if (statSync(full).isDirectory()) {
    for (const name of readdirSync(full).sort()) hashTree(root, join(path, name), hash);
    return;
  }
  hash.update(path).update(readFileSync(full));
}

function sourceHash(root: string): string {
  const hash = createHash("sha256");
  for (const input of INPUTS) hashTree(root, input, hash);
  return hash.digest("hex");
}

/** Runs `next build` unless a build of exactly these sources is there. Throws with the build's last lines. */
export function ensureConsoleBuild(root: string, say: (line: string) => void): void {
  const wanted = sourceHash(root);
  const stamp = join(root, STAMP);
  if (existsSync(stamp) && existsSync(join(root, ".next/BUILD_ID")) && readFileSync(stamp, "utf8") === wanted)
    return;
  say("Building the console (once per version, about half a minute) ...");
  const built = spawnSync(process.execPath, [join(root, "node_modules/next/dist/bin/next"), "build"], {
    cwd: root,
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: "production" },
    encoding: "utf8",
  });
  if (built.status !== 0) {
    const output = `${built.stdout}\n${built.stderr}`.trimEnd().split("\n").slice(-25).join("\n");
    throw new Error(`The console does not build:\n${output}`);
  }
  writeFileSync(stamp, wanted);
}
