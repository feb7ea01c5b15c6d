/** `assay model`: taking a trained model out of the desk, bringing one in, and proving one whole. */
import type { Command } from "commander";
import { exportModel, importModel, verifyModel } from "./commands/model";
import { sub, withDesk } from "./program";

export function addModels(program: Command): void {
  const model = program
    .command("model")
    .description("trained models as files: tfjs LayersModel and manifest");
  sub(model, "export <version>", "write a version's model.json, weights.bin and manifest.json to a folder")
    .requiredOption("--to <dir>", "folder to write to; it must be empty or new")
    .action((version: string, options, command: Command) =>
      withDesk(command, false, (session) => exportModel(session, version, options.to)),
    );
  sub(model, "import <dir>", "register an exported model as a candidate; the same model is registered once")
    .option("--name <text>", "name of the version")
    .action((dir: string, options, command: Command) =>
      withDesk(command, false, (session) => importModel(session, dir, options.name)),
    );
  sub(model, "verify <what>", "check a folder or a version: checksum, files, kernel, golden outputs").action(
    (what: string, _options, command: Command) =>
      withDesk(
        command,
        false,
        ({ service }) => verifyModel(service, what),
        (result) => result.ok === true,
      ),
  );
}
