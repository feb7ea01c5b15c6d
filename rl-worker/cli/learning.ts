/** `assay learn`, `rollback` and `drift`: the life of a model. */
import { type Command, Option } from "commander";
import { ALGORITHMS } from "../../lib/policy/algorithms";
import { parseHyperparameters, parseNumbers, parseTime, parseTimeframe } from "./arguments";
import {
  acknowledgeAlert,
  driftAlerts,
  driftWatching,
  learnCancel,
  learnNow,
  learnPolicy,
  learnStatus,
  retention,
  rollbackChampion,
} from "./commands/learning";
import { sub, withDesk } from "./program";

const DRIFT_ACTIONS = ["alert", "sizeCut", "hold", "fallback"];

export function addLearning(program: Command): void {
  const learn = program.command("learn").description("learning cycles: retrain, judge, shadow, promote");
  sub(learn, "now", "start a cycle now and follow it to its end or its shadow")
    .requiredOption("--instrument <symbol>", "e.g. XAUT-USDT")
    .requiredOption("--timeframe <tf>", "e.g. 15m")
    .option("--as-of <date>", "leave out the bars from there on (UTC)")
    .option("--detach", "return at once", false)
    .action((options, command: Command) =>
      withDesk(
        command,
        true,
        ({ person }) =>
          learnNow(person, {
            instrument: options.instrument,
            timeframe: parseTimeframe(options.timeframe, "--timeframe"),
            asOfMs: options.asOf === undefined ? undefined : parseTime(options.asOf, "--as-of"),
            detach: options.detach,
          }),
        (result) => result.status !== "failed" && result.status !== "cancelled",
        options.detach,
      ),
    );
  sub(learn, "status [cycle]", "a cycle with its shadow, or the newest ones")
    .option("--instrument <symbol>", "only those of it")
    .action((cycle: string | undefined, options, command: Command) =>
      withDesk(command, false, ({ person }) => learnStatus(person, cycle, options.instrument)),
    );
  sub(learn, "cancel <cycle>", "stop a cycle; what its job recorded stays").action(
    (cycle: string, _options, command: Command) =>
      withDesk(command, false, ({ person }) => learnCancel(person, cycle)),
  );
  sub(learn, "policy", "show the learning policy of a market, or change it (an audited act of an admin)")
    .requiredOption("--instrument <symbol>", "e.g. XAUT-USDT")
    .requiredOption("--timeframe <tf>", "e.g. 15m")
    .addOption(new Option("--cycles <state>", "cycles start by themselves").choices(["on", "off"]))
    .addOption(
      new Option("--drift <runs>", "which runs are watched for drift").choices(["off", "live", "all"]),
    )
    .addOption(new Option("--shadow <state>", "a shadow before a promotion").choices(["on", "off"]))
    .addOption(new Option("--probes <state>", "probes in the walk-forward").choices(["on", "off"]))
    .option("--source <name>", "source of the bars")
    .option("--source-timeframe <tf>", "bar size of the source")
    .option("--features <set>", "feature set")
    .addOption(new Option("--algorithm <name>", "learning algorithm").choices([...ALGORITHMS]))
    .option("--seeds <list>", "the first trains the challenger, the walk-forward uses all")
    .option("--hyper <name=value...>", "hyper-parameters that differ from the defaults; replaces those set")
    .addOption(new Option("--on-warning <action>", "what a warning does").choices(DRIFT_ACTIONS))
    .addOption(new Option("--on-severe <action>", "what severe drift does").choices(DRIFT_ACTIONS))
    .option("--set <name=value...>", "numbers by name, e.g. cadenceHours=24 shadow.minBars=500")
    .option("--reason <text>", "why; kept in the audit log")
    .action((options, command: Command) => {
      const isOn = (state: string | undefined) => (state === undefined ? undefined : state === "on");
      const { sourceTimeframe, seeds, hyper } = options;
      const change = {
        enabled: isOn(options.cycles),
        drift: options.drift,
        shadow: isOn(options.shadow),
        probes: isOn(options.probes),
        source: options.source,
        sourceTimeframe:
          sourceTimeframe === undefined ? undefined : parseTimeframe(sourceTimeframe, "--source-timeframe"),
        featureSetId: options.features,
        algorithm: options.algorithm,
        seeds: seeds === undefined ? undefined : parseNumbers(seeds, "--seeds"),
        hyperparameters: hyper === undefined ? undefined : parseHyperparameters(hyper, "--hyper"),
        onWarning: options.onWarning,
        onSevere: options.onSevere,
        numbers: parseHyperparameters(options.set ?? [], "--set"),
      };
      const timeframe = parseTimeframe(options.timeframe, "--timeframe");
      return withDesk(command, false, ({ person }) =>
        learnPolicy(person, { instrument: options.instrument, timeframe }, change, options.reason),
      );
    });

  sub(program, "rollback", "put the previous champion back; running runs switch between two bars")
    .requiredOption("--instrument <symbol>", "e.g. XAUT-USDT")
    .requiredOption("--reason <text>", "why; kept in the audit log")
    .action((options, command: Command) =>
      withDesk(command, false, ({ person }) => rollbackChampion(person, options.instrument, options.reason)),
    );

  sub(
    program,
    "retention",
    "how long rows are kept, and what was let go; or change it (an audited act of an admin)",
  )
    .addOption(new Option("--sweep <state>", "old rows are let go").choices(["on", "off"]))
    .option("--set <name=days...>", "ages by name: holdDays=90 ghostDays=90 driftReportDays=365")
    .option("--reason <text>", "why; kept in the audit log")
    .action((options, command: Command) => {
      const enabled = options.sweep === undefined ? undefined : options.sweep === "on";
      const change = { enabled, days: parseHyperparameters(options.set ?? [], "--set") };
      return withDesk(command, false, ({ person }) => retention(person, change, options.reason));
    });

  const drift = program.command("drift").description("drift of running models, and what was done about it");
  sub(drift, "watching", "which active runs are watched, since when, and how they stand").action(
    (_options, command: Command) => withDesk(command, false, ({ person }) => driftWatching(person)),
  );
  sub(drift, "alerts", "newest first")
    .option("--open", "only those that nobody has acknowledged", false)
    .action((options, command: Command) =>
      withDesk(command, false, ({ person }) => driftAlerts(person, options.open)),
    );
  sub(drift, "ack <alert>", "acknowledge an alert; what was done about the drift stays")
    .option("--note <text>", "kept with the alert")
    .action((alert: string, options, command: Command) =>
      withDesk(command, false, ({ person }) => acknowledgeAlert(person, alert, options.note)),
    );
}
