/** `assay costs`: the dated execution-cost models. */
import type { Command } from "commander";
import { parseNumber } from "./arguments";
import { fitCosts, listCosts, putCostsInForce, rollBackCosts, showCosts } from "./commands/costs";
import { sub, withDesk } from "./program";

export function addCosts(program: Command): void {
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
}
