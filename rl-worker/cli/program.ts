/** What every command shares: opening the desk, printing the result, the options that work everywhere. */
import type { Command } from "commander";
import { type JsonValue, printResult } from "./output";
import { openSession, type Session } from "./session";

export type Result = { [key: string]: JsonValue };

/** Opens the desk, runs the command, prints the result; `isDone` false means exit code 1 with the result shown. */
export async function withDesk(
  command: Command,
  needsWorker: boolean,
  work: (session: Session) => Promise<Result>,
  isDone: (result: Result) => boolean = () => true,
  mustRun = false,
): Promise<void> {
  const { data, json } = command.optsWithGlobals<{ data?: string; json?: boolean }>();
  const session = await openSession({ data, needsWorker, mustRun });
  try {
    const result = await work(session);
    printResult(result, json === true);
    if (!isDone(result)) process.exitCode = 1;
  } finally {
    await session.close();
  }
}

/** Options that work before and after the subcommand. */
export function sub(parent: Command, signature: string, description: string): Command {
  return parent
    .command(signature)
    .description(description)
    .option("--data <dir>", "data folder of the desk (default: $ASSAY_DATA, else .assay)")
    .option("--json", "print exactly one JSON object as the last line of stdout");
}
