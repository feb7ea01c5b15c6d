/** `assay export`: what the desk recorded, as files for other tools. */
import { type Command, Option } from "commander";
import { EXPORTS, type ExportKind } from "../../lib/export/rows";
import { exportRows } from "./commands/export";
import { sub, withDesk } from "./program";
import { UsageError } from "./session";

const KINDS = Object.keys(EXPORTS) as ExportKind[];

export function addExport(program: Command): void {
  sub(program, "export <what>", `write ${KINDS.join(", ")} to a file, page by page`)
    .option("--run <id>", "the run whose decisions, orders or fills")
    .option("--evaluation <id>", "the evaluation whose trades")
    .addOption(new Option("--format <format>", "of the file").choices(["csv", "json"]).default("csv"))
    .requiredOption("--to <file>", "file to write; it must not exist")
    .action((what: string, options, command: Command) => {
      const kind = KINDS.find((name) => name === what);
      if (kind === undefined)
        throw new UsageError(`"${what}" cannot be exported; choose ${KINDS.join(", ")}`);
      return withDesk(command, false, ({ person }) => exportRows(person, kind, options));
    });
}
