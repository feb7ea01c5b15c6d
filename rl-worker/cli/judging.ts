/** `assay walk-forward`, `search` and `gates`: is it better than luck, and by which rule. */
import { type Command, Option } from "commander";
import { parseHyperparameters, parseNumbers, parseSearchRange, parseWhole } from "./arguments";
import { resumeSearch, search, searchStatus, setGates, showGates, walkForward } from "./commands/judge";
import { sub, withDesk } from "./program";
import { UsageError } from "./session";

export function addJudging(program: Command): void {
  sub(
    program,
    "walk-forward",
    "retrain a recipe fold by fold and test it on what follows; Ctrl-C keeps the folds done",
  )
    .option("--version <id>", "walk the recipe of this version, on its own dataset")
    .option("--dataset <id>", "or walk a recipe over this dataset")
    .option("--algorithm <name>", "with --dataset: ppo or dqn", "ppo")
    .option("--steps <n>", "with --dataset: environment steps of every training", "200000")
    .option("--set <name=value...>", "with --dataset: hyper-parameters that differ from the defaults")
    .option("--folds <n>", "test spans", "6")
    .option("--seeds <list>", "seeds, each trained in every fold", "1,2,3,4,5")
    .option("--costs <list>", "multiples of the costs to test with", "1,2,3")
    .addOption(
      new Option("--mode <mode>", "train on everything before, or on a window that moves")
        .choices(["expanding", "rolling"])
        .default("expanding"),
    )
    .option("--train-fraction <x>", "share of the rows that the first fold trains on", "0.5")
    .option("--no-probes", "leave the causality, shuffled-returns and planted-signal probes out")
    .option("--resume <id>", "go on with a stopped walk-forward")
    .action((options, command: Command) => {
      if (
        options.resume === undefined &&
        (options.version === undefined) === (options.dataset === undefined)
      ) {
        throw new UsageError(
          "give --version or --dataset (one of them), or --resume with a walk-forward's id",
        );
      }
      const plan = {
        folds: parseWhole(options.folds, "--folds", 1, 12),
        mode: options.mode as "expanding" | "rolling",
        trainFraction: parseNumbers(options.trainFraction, "--train-fraction")[0]!,
        seeds: parseNumbers(options.seeds, "--seeds"),
        costMultipliers: parseNumbers(options.costs, "--costs"),
        probes: options.probes as boolean,
      };
      const steps = parseWhole(options.steps, "--steps", 1, 50_000_000);
      const hyperparameters = parseHyperparameters(options.set ?? [], "--set");
      return withDesk(command, true, ({ person }) =>
        walkForward(person, { ...options, steps, hyperparameters, plan }),
      );
    });

  const searches = program.command("search").description("hyper-parameter search over declared ranges");
  sub(
    searches,
    "start",
    "draw configurations and walk each forward; the best go on longer (successive halving)",
  )
    .requiredOption("--dataset <id>", "dataset id")
    .requiredOption("--range <range...>", "e.g. learningRate=log:1e-5:1e-2 entropyCoefficient=linear:0:0.05")
    .option("--algorithm <name>", "ppo or dqn", "ppo")
    .option("--set <name=value...>", "hyper-parameters that every configuration shares")
    .option("--configurations <n>", "configurations of the first rung", "9")
    .option("--steps <n>", "environment steps of the first rung", "50000")
    .option("--rungs <n>", "1 is plain random search", "3")
    .option("--reduction <n>", "every rung trains this many times as long and keeps one in this many", "3")
    .option("--folds <n>", "test spans of every walk-forward", "2")
    .option("--seeds <list>", "training seeds", "1")
    .addOption(
      new Option("--sampler <name>", "draw at random, or propose from the scores so far (tpe)")
        .choices(["random", "tpe"])
        .default("random"),
    )
    .option("--seed <n>", "seed of the drawing", "1")
    .action((options, command: Command) => {
      const request = {
        algorithm: options.algorithm,
        fixed: parseHyperparameters(options.set ?? [], "--set"),
        ranges: (options.range as string[]).map(parseSearchRange),
        configurations: parseWhole(options.configurations, "--configurations", 2, 32),
        firstSteps: parseWhole(options.steps, "--steps", 1, 50_000_000),
        rungs: parseWhole(options.rungs, "--rungs", 1, 5),
        reduction: parseWhole(options.reduction, "--reduction", 2, 8),
        folds: parseWhole(options.folds, "--folds", 1, 12),
        trainingSeeds: parseNumbers(options.seeds, "--seeds"),
        seed: parseWhole(options.seed, "--seed", 0, 0xffffffff),
        sampler: options.sampler as "random" | "tpe",
      };
      return withDesk(
        command,
        true,
        ({ person }) => search(person, options.dataset, request),
        (result) => result.status === "finished",
      );
    });
  sub(searches, "resume <search>", "go on with a cancelled search; Ctrl-C cancels it again").action(
    (id: string, _options, command: Command) =>
      withDesk(
        command,
        true,
        ({ person }) => resumeSearch(person, id),
        (result) => result.status === "finished",
      ),
  );
  sub(searches, "status <search>", "trials and the best configuration so far").action(
    (id: string, _options, command: Command) =>
      withDesk(command, false, ({ person }) => searchStatus(person, id)),
  );

  const gates = program.command("gates").description("the promotion policy");
  sub(gates, "show", "the thresholds in force").action((_options, command: Command) =>
    withDesk(command, false, ({ person }) => showGates(person)),
  );
  sub(gates, "set <name=value...>", "put a new version of the policy in force (an audited act of an admin)")
    .requiredOption("--reason <text>", "why; kept in the audit log")
    .action((pairs: string[], options, command: Command) => {
      const changes = parseHyperparameters(pairs, "gates set");
      return withDesk(command, false, ({ person }) => setGates(person, changes, options.reason));
    });
}
