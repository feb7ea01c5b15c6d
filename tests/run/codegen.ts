/** Proves that the committed convex/_generated is what the generator makes of convex/ now. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bin, type CommandResult, ROOT, runCommand } from "./command";

const GENERATED = join(ROOT, "convex/_generated");

function differingFiles(a: string, b: string): string[] {
  const names = [...new Set([...readdirSync(a), ...readdirSync(b)])].sort();
  const textOf = (folder: string, name: string) =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8") : null;
  return names.filter((name) => textOf(a, name) !== textOf(b, name));
}

/** Generates in place and puts the committed files back: a test run leaves the checkout as it found it. */
export async function checkCodegen(timeoutMs: number): Promise<CommandResult> {
  if (!existsSync(GENERATED)) {
    return {
      ok: false,
      output: "",
      reason: "convex/_generated is missing: run `npm run codegen` and commit it",
    };
  }
  const committed = mkdtempSync(join(tmpdir(), "assay-generated-"));
  cpSync(GENERATED, committed, { recursive: true });
  try {
    const result = await runCommand(bin("tsx"), ["local/codegen.ts"], { timeoutMs });
    if (!result.ok) return result;
    const stale = differingFiles(committed, GENERATED);
    if (stale.length === 0) return result;
    for (const name of stale) rmSync(join(GENERATED, name), { force: true });
    cpSync(committed, GENERATED, { recursive: true });
    const files = stale.map((name) => `convex/_generated/${name}`).join(", ");
    return { ...result, ok: false, reason: `stale: ${files}; run \`npm run codegen\` and commit` };
  } finally {
    rmSync(committed, { recursive: true, force: true });
  }
}
