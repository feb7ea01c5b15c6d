/** The `assay` command. Exit codes: 0 done, 1 refused or failed, 2 wrong usage. */
import { Command, CommanderError, Option } from "commander";
import type { Id } from "../../convex/_generated/dataModel";
import { ALGORITHMS } from "../../lib/policy/algorithms";
import { codeOf, messageOf } from "../runtime/log";
import { parseNumber, parseRange, parseTime, parseTimeframe, parseWhole } from "./arguments";
import { fitCosts, listCosts, putCostsInForce, rollBackCosts, showCosts } from "./commands/costs";
import { importFile } from "./commands/import";
import { doctor, list, signInLink, verifyAudit } from "./commands/inspect";
import { buildDataset, evaluate, promote, train } from "./commands/learn";
import { controlRun, replayDecision, runStatus, setKillSwitch, startRun } from "./commands/operate";
import { type JsonValue, printResult } from "./output";
import { openSession, type Session, UsageError } from "./session";

type Result = { [key: string]: JsonValue };

/** Opens the desk, runs the command, prints the result; `isDone` false means exit code 1 with the result shown. */
async function withDesk(
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

const program = new Command("assay")
  .description("The Assay trading desk for gold perpetuals, from the command line.")
  .option("--data <dir>", "data folder of the desk (default: $ASSAY_DATA, else .assay)")
  .option("--json", "print exactly one JSON object as the last line of stdout")
  .exitOverride()
  .showHelpAfterError("(see --help)");

/** Options that work before and after the subcommand. */
function sub(parent: Command, signature: string, description: string): Command {
  return parent
    .command(signature)
    .description(description)
    .option("--data <dir>", "data folder of the desk (default: $ASSAY_DATA, else .assay)")
    .option("--json", "print exactly one JSON object as the last line of stdout");
}

sub(program, "import <file>", "import candles from a .csv or .csv.gz file; repeating it adds nothing")
  .requiredOption("--instrument <symbol>", "e.g. XAUT-USDT")
  .requiredOption("--timeframe <tf>", "bar size of the file, e.g. 1m")
  .option("--source <name>", "name under which the bars are kept", "file")
  .addOption(
    new Option("--calendar <name>", "when bars are expected")
      .choices(["auto", "always", "metals"])
      .default("auto"),
  )
  .action((file: string, options, command: Command) => {
    const timeframe = parseTimeframe(options.timeframe, "--timeframe");
    return withDesk(command, false, ({ service }) =>
      importFile(service, {
        file,
        instrument: options.instrument,
        timeframe,
        source: options.source,
        calendar: options.calendar,
      }),
    );
  });

const dataset = program.command("dataset").description("immutable snapshots for training and evaluation");
sub(dataset, "build", "build a dataset; the same request gives the same hash")
  .requiredOption("--instrument <symbol>", "e.g. XAUT-USDT")
  .requiredOption("--timeframe <tf>", "bar size of the dataset, e.g. 15m")
  .requiredOption("--from <date>", "first bar (UTC), e.g. 2023-01-01")
  .requiredOption("--to <date>", "end (UTC, exclusive)")
  .option("--features <set>", "feature set", "core-v1")
  .option("--source <name>", "source of the bars", "file")
  .action((options, command: Command) => {
    const timeframe = parseTimeframe(options.timeframe, "--timeframe");
    const range = parseRange(options.from, options.to, timeframe);
    return withDesk(command, true, ({ person }) =>
      buildDataset(person, {
        instrument: options.instrument,
        timeframe,
        source: options.source,
        ...range,
        features: options.features,
      }),
    );
  });

sub(program, "train", "train an agent version; Ctrl-C keeps a checkpoint")
  .requiredOption("--dataset <id>", "dataset id")
  .addOption(new Option("--algorithm <name>", "learning algorithm").choices([...ALGORITHMS]).default("ppo"))
  .option("--steps <n>", "environment steps", "500000")
  .option("--seed <n>", "seed of every random choice", "1")
  .option("--name <text>", "name of the version")
  .option("--resume [version]", "go on from the checkpoint of an interrupted training")
  .action((options, command: Command) => {
    const steps = parseWhole(options.steps, "--steps", 1, 50_000_000);
    const seed = parseWhole(options.seed, "--seed", 0, 0xffffffff);
    return withDesk(command, true, ({ person }) => train(person, { ...options, steps, seed }));
  });

sub(program, "evaluate", "evaluate a version on bars it has not seen, beside four baselines")
  .requiredOption("--version <id>", "agent version id")
  .requiredOption("--from <date>", "first bar (UTC)")
  .requiredOption("--to <date>", "end (UTC, exclusive)")
  .option("--source <name>", "source of the bars", "file")
  .action((options, command: Command) => {
    const range = parseRange(options.from, options.to, "1h");
    return withDesk(command, true, ({ person }) =>
      evaluate(person, { version: options.version, source: options.source, ...range }),
    );
  });

sub(program, "promote", "make a version the champion when every gate passes")
  .requiredOption("--version <id>", "agent version id")
  .option("--force", "promote against failing gates (an audited act of an admin)", false)
  .option("--reason <text>", "why the gates are overruled")
  .action((options, command: Command) =>
    withDesk(
      command,
      false,
      async ({ person }) => {
        const result = await promote(person, options);
        for (const gate of result.failingGates) process.stderr.write(`${gate.gate}: ${gate.sentence}\n`);
        return result;
      },
      (result) => result.outcome !== "refused",
    ),
  );

const costs = program.command("costs").description("dated execution-cost models: what a fill costs");
sub(costs, "fit [file]", "fit a model from a spread file by month and hour, or from our own fills")
  .requiredOption("--instrument <symbol>", "e.g. XAUT-USDT")
  .option("--source <name>", "source of the stored bars that turn the spread into bps", "file")
  .option("--price-usd <n>", "one price instead of the stored bars")
  .option("--point-usd <n>", "price of one point of the file", "0.01")
  .option("--from-month <month>", "first month to use (default: twelve months to the last)")
  .option("--to-month <month>", "last month to use (default: the file's last)")
  .option("--charge <quantile>", "what a fill pays: p50, p90, or sampled by the bar's time", "p50")
  .option("--taker-bps <n>", "taker fee")
  .option("--maker-bps <n>", "maker fee")
  .option("--slippage-bps <n>", "median slippage beyond the half spread")
  .option("--slippage-p90-bps <n>", "its 90 % quantile")
  .option("--fills <runs...>", "runs whose fills are measured instead of a file")
  .option("--use <reason>", "put it in force at once; the reason is kept in the audit log")
  .action((file: string | undefined, options, command: Command) => {
    const number = (name: string, flag: string) =>
      options[name] === undefined ? undefined : parseNumber(options[name], flag, 0, 1_000_000);
    return withDesk(command, false, (session) =>
      fitCosts(session, {
        ...options,
        file,
        pointUsd: number("pointUsd", "--point-usd"),
        priceUsd: number("priceUsd", "--price-usd"),
        takerBps: number("takerBps", "--taker-bps"),
        makerBps: number("makerBps", "--maker-bps"),
        slippageBps: number("slippageBps", "--slippage-bps"),
        slippageP90Bps: number("slippageP90Bps", "--slippage-p90-bps"),
      }),
    );
  });
sub(costs, "list", "the stored models of an instrument and which is in force")
  .requiredOption("--instrument <symbol>", "e.g. XAUT-USDT")
  .action((options, command: Command) =>
    withDesk(command, false, ({ person }) => listCosts(person, options.instrument)),
  );
sub(costs, "show <model>", "one model with every number and its basis").action(
  (model: string, _options, command: Command) =>
    withDesk(command, false, ({ person }) => showCosts(person, model)),
);
sub(costs, "use <model>", "put a model in force for trainings from now on")
  .requiredOption("--instrument <symbol>", "e.g. XAUT-USDT")
  .requiredOption("--reason <text>", "why; kept in the audit log")
  .action((model: string, options, command: Command) =>
    withDesk(command, false, ({ person }) =>
      putCostsInForce(person, options.instrument, model, options.reason),
    ),
  );
sub(costs, "rollback", "put the model in force that was before the present one")
  .requiredOption("--instrument <symbol>", "e.g. XAUT-USDT")
  .requiredOption("--reason <text>", "why; kept in the audit log")
  .action((options, command: Command) =>
    withDesk(command, false, ({ person }) => rollBackCosts(person, options.instrument, options.reason)),
  );

const run = program.command("run").description("paper runs on replayed or live bars");
sub(run, "start", "start a run; a replay is followed to its end")
  .requiredOption("--instrument <symbol>", "e.g. XAUT-USDT")
  .option("--mode <mode>", "paper", "paper")
  .option("--feed <feed>", "replay (stored bars) or live (closed bars as they arrive)", "replay")
  .option("--from <date>", "first bar of a replay (UTC)")
  .option("--to <date>", "end of a replay (UTC, exclusive)")
  .option("--speed <n>", "max, or simulated seconds per second", "max")
  .option("--version <id>", "agent version (default: champion, else the newest candidate)")
  .option("--source <name>", "source of the bars (default: file for replay, simulated for live)")
  .option("--balance <usd>", "paper balance", "10000")
  .option("--detach", "return at once", false)
  .action((options, command: Command) => {
    const isLeftRunning = options.detach || options.feed === "live";
    return withDesk(
      command,
      !isLeftRunning,
      ({ person }) =>
        startRun(person, {
          ...options,
          fromMs: options.from === undefined ? undefined : parseTime(options.from, "--from"),
          toMs: options.to === undefined ? undefined : parseTime(options.to, "--to"),
          balanceUsd: parseWhole(options.balance, "--balance", 1, 1_000_000_000),
        }),
      (result) => result.status !== "failed" && (isLeftRunning || result.status !== "stopped"),
      isLeftRunning,
    );
  });
for (const act of ["stop", "pause", "resume"] as const) {
  sub(run, `${act} <run>`, `${act} a run`).action((id: string, _options, command: Command) =>
    withDesk(command, false, ({ person }) => controlRun(person, act, id)),
  );
}
sub(run, "status <run>", "how a run stands").action((id: string, _options, command: Command) =>
  withDesk(command, false, ({ person }) => runStatus(person, id as Id<"runs">)),
);

sub(program, "replay <decision>", "make a past decision again and compare every bit").action(
  (id: string, _options, command: Command) =>
    withDesk(
      command,
      true,
      ({ person }) => replayDecision(person, id),
      (result) => result.identical === true,
    ),
);

sub(program, "kill <mode>", "kill switch: noNewRisk, cancelAll, flatten, or arm to trade again")
  .option("--reason <text>", "why; kept in the audit log")
  .action((mode: string, options, command: Command) =>
    withDesk(command, false, ({ person }) => setKillSwitch(person, mode, options.reason)),
  );

const audit = program.command("audit").description("the hash-chained audit log");
sub(audit, "verify", "check every link; names the first bad one").action((_options, command: Command) =>
  withDesk(
    command,
    false,
    ({ person }) => verifyAudit(person),
    (result) => result.ok === true,
  ),
);

sub(program, "list <what>", "list datasets, versions, runs or series").action(
  (what: string, _options, command: Command) => withDesk(command, false, ({ person }) => list(person, what)),
);

sub(program, "sign-in", "print a new one-time link to the running console")
  .option("--role <role>", "viewer, operator or admin", "admin")
  .action((options, command: Command) =>
    withDesk(command, false, ({ service, desk }) => signInLink(service, desk, options.role)),
  );

sub(program, "doctor", "versions, ports, disk, clock, what is missing and how to get it").action(
  async (_options, command: Command) => {
    const { data, json } = command.optsWithGlobals<{ data?: string; json?: boolean }>();
    const result = await doctor(data);
    printResult(result, json === true);
    if (!result.ok) process.exitCode = 1;
  },
);

program.parseAsync().then(
  () => process.exit(process.exitCode ?? 0),
  (error: unknown) => {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
    const message = messageOf(error);
    process.stderr.write(`${message}\n`);
    // A program that reads the last line finds the reason there too.
    if (process.argv.includes("--json")) {
      printResult({ error: { code: codeOf(error) ?? "FAILED", message } }, true);
    }
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);
