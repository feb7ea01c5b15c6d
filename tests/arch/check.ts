/** `npm run arch`: prints each violation of the architecture with its file and rule; exit code 1 when there is one. */
import { join } from "node:path";
import { checkTree } from "./checkTree";
import { LAYER_RULES } from "./layers";
import { SOURCE_RULES } from "./rules";

const { findings, fileCount } = await checkTree(join(import.meta.dirname, "../.."));
for (const { path, line, rule, message } of findings) {
  console.log(`${path}${line === undefined ? "" : `:${line}`}  ${rule}  ${message}`);
}
const ruleCount = LAYER_RULES.length + SOURCE_RULES.length;
console.log(`${ruleCount} rules over ${fileCount} files: ${findings.length} violations`);
process.exitCode = findings.length === 0 ? 0 : 1;
