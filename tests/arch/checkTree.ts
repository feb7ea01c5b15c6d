import { checkLayers } from "./layers";
import { SOURCE_RULES } from "./rules";
import { type Finding, loadTree } from "./sourceTree";

/** Every violation under `root`, of the dependency rules and of the source rules, in order of path. */
export async function checkTree(root: string): Promise<{ findings: Finding[]; fileCount: number }> {
  const tree = loadTree(root);
  const findings = await checkLayers(tree);
  for (const rule of SOURCE_RULES) {
    for (const finding of rule.check(tree)) findings.push({ rule: rule.name, ...finding });
  }
  findings.sort((a, b) => a.path.localeCompare(b.path) || (a.line ?? 0) - (b.line ?? 0));
  return { findings, fileCount: tree.files.length };
}
