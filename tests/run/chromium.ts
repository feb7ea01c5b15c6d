/** Finds the browser of the end-to-end tests, or installs Debian's. */
import { existsSync } from "node:fs";
import { chromium } from "@playwright/test";
import { bin, runCommand } from "./command";

const DEBIAN_PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];
const INSTALL_TIMEOUT_MS = 6 * 60_000;

/** `CHROMIUM_PATH`, else Debian's chromium, else Playwright's own; null when there is none. */
export function findChromium(): string | null {
  const named = process.env.CHROMIUM_PATH;
  if (named !== undefined && named !== "") {
    if (!existsSync(named)) throw new Error(`CHROMIUM_PATH is ${named}, where there is no file`);
    return named;
  }
  return [...DEBIAN_PATHS, chromium.executablePath()].find((path) => existsSync(path)) ?? null;
}

/**
 * The path of a chromium. When there is none: Debian's through apt (as root), then Playwright's own.
 * Throws with the step to take by hand when neither can be had.
 */
export async function ensureChromium(): Promise<string> {
  const found = findChromium();
  if (found !== null) return found;
  const tried: string[] = [];
  const attempt = async (command: string, args: string[]): Promise<boolean> => {
    console.log(`no chromium yet: ${command} ${args.join(" ")}`);
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    const { ok, output, reason } = await runCommand(command, args, { timeoutMs: INSTALL_TIMEOUT_MS, env });
    if (!ok) {
      tried.push(
        `${command} ${args.join(" ")}: ${reason}\n${output.trimEnd().split("\n").slice(-5).join("\n")}`,
      );
    }
    return ok;
  };
  const packages = ["install", "-y", "--no-install-recommends", "chromium", "fonts-liberation"];
  if (process.getuid?.() !== 0) tried.push("apt-get install chromium: only root may");
  else if (await attempt("apt-get", ["update"])) await attempt("apt-get", packages);
  if (findChromium() === null) await attempt(bin("playwright"), ["install", "chromium"]);
  const installed = findChromium();
  if (installed !== null) return installed;
  throw new Error(
    `The browser tests need chromium and could not get it. Run \`apt-get install chromium\` as root, or set ` +
      `CHROMIUM_PATH to one. Tried:\n${tried.join("\n")}`,
  );
}
