/** The `assay` command. Exit codes: 0 done, 1 refused or failed, 2 wrong usage. */
import { Command, CommanderError, Option } from "commander";
import type { Id } from "../../convex/_generated/dataModel";
import { FEEDS } from "../../lib/feeds/types";
import { ALGORITHMS } from "../../lib/policy/algorithms";
import { KERNEL_CHOICES } from "../../lib/policy/kernel/choices";
import { codeOf, messageOf } from "../runtime/log";
import { parseHyperparameters, parseRange, parseTime, parseTimeframe, parseWhole } from "./arguments";
import { importFile } from "./commands/import";
import { importFeed } from "./commands/importFeed";
import { doctor, list, signInLink, verifyAudit } from "./commands/inspect";
import { buildDataset, evaluate, promote, train } from "./commands/learn";
import { controlRun, replayDecision, runStatus, setKillSwitch, startRun } from "./commands/operate";
import { addCosts } from "./costs";
import { addExport } from "./exporting";
import { addJudging } from "./judging";
import { addLearning } from "./learning";
import { addModels } from "./models";
import { printResult } from "./output";
import { sub, withDesk } from "./program";
import { UsageError } from "./session";
import { addTokens } from "./tokens";

const program = new Command("assay")
  .description("The Assay trading desk for gold perpetuals, from the command line.")
  .option("--data <dir>", "data folder of the desk (default: $ASSAY_DATA, else .assay)")
  .option("--json", "print exactly one JSON object as the last line of stdout")
  .exitOverride()
  .showHelpAfterError("(see --help)");

sub(
  program,
  "import <file>",
  "import candles, or with --feed what comes beside them, from a .csv or .csv.gz file; repeating it adds nothing",
)
  .requiredOption("--instrument <symbol>", "e.g. XAUT-USDT")
  .option("--timeframe <tf>", "candles: bar size of the file, e.g. 1m")
  .addOption(new Option("--feed <name>", "a feed instead of candles (docs/feeds.md)").choices([...FEEDS]))
  .option("--lag-seconds <n>", "feeds: from when after its event a row without received_ms counts", "60")
  .option(
    "--source <name>",
    "name under which the bars or the feed are kept; of events, who published them",
    "file",
  )
  .addOption(
    new Option("--calendar <name>", "when bars are expected")
      .choices(["auto", "always", "metals"])
      .default("auto"),
  )
  .action((file: string, options, command: Command) => {
    const { feed, instrument, source } = options;
    if ((feed === undefined) === (options.timeframe === undefined)) {
      throw new UsageError("say what the file holds: candles with --timeframe, or a feed with --feed");
    }
    if (feed !== undefined) {
      const lagMs = 1_000 * parseWhole(options.lagSeconds, "--lag-seconds", 0, 86_400);
      return withDesk(command, false, ({ service }) =>
        importFeed(service, { file, feed, instrument, source, lagMs }),
      );
    }
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
  .option("--features <set>", "feature set: core-v1 or core-v2", "core-v1")
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
  .option("--set <name=value...>", "hyper-parameters that differ from the defaults")
  .addOption(
    new Option(
      "--kernel <name>",
      "arithmetic of the training: auto is relaxed where this machine fuses multiply-add",
    )
      .choices([...KERNEL_CHOICES])
      .default("auto"),
  )
  .option("--threads <n>", "threads of the training, or auto; changes its time, never its result", "1")
  .option("--name <text>", "name of the version")
  .option("--resume [version]", "go on from the checkpoint of an interrupted training")
  .action((options, command: Command) => {
    const steps = parseWhole(options.steps, "--steps", 1, 50_000_000);
    const seed = parseWhole(options.seed, "--seed", 0, 0xffffffff);
    const hyperparameters = parseHyperparameters(options.set ?? [], "--set");
    const threads = options.threads === "auto" ? "auto" : parseWhole(options.threads, "--threads", 1, 64);
    return withDesk(command, true, ({ person }) =>
      train(person, { ...options, steps, seed, hyperparameters, threads }),
    );
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

addCosts(program);
addExport(program);
addJudging(program);
addModels(program);
addLearning(program);
addTokens(program);

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

sub(program, "list <what>", "list datasets, versions, runs, series or feeds").action(
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
