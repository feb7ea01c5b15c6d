/** Command line of `npm start`, parsed by hand: eight flags do not need a library here. */
import { resolve } from "node:path";

export interface UpOptions {
  dataDir: string;
  /** Console port; the others follow it unless given. */
  port: number;
  backendPort: number;
  exchangePort: number;
  withWorker: boolean;
  withConsole: boolean;
  withExchange: boolean;
  fresh: boolean;
  seed: number;
}

export const UP_USAGE = `Usage: npm start -- [options]

  --port N            console port (default 3000); 0 picks a free one
  --backend-port N    backend port (default 3210; HTTP actions on N + 1); 0 picks free ones
  --exchange-port N   simulated exchange port (default 3410); 0 picks a free one
  --data DIR          data folder (default $ASSAY_DATA, else .assay)
  --seed N            seed of the simulated market (default 1)
  --no-worker         do not start the worker
  --no-console        do not start the console
  --no-exchange       do not start the exchange; nothing is ingested
  --fresh             delete the data folder first
  --help`;

/** The options, or the sentence that says what is wrong with them. */
export function parseUpOptions(
  argv: string[],
  env: NodeJS.ProcessEnv,
): UpOptions | { error: string } | "help" {
  const options: UpOptions = {
    dataDir: resolve(env.ASSAY_DATA ?? ".assay"),
    port: 3000,
    backendPort: 3210,
    exchangePort: 3410,
    withWorker: true,
    withConsole: true,
    withExchange: true,
    fresh: false,
    seed: 1,
  };
  const numbers: Record<string, "port" | "backendPort" | "exchangePort" | "seed"> = {
    "--port": "port",
    "--backend-port": "backendPort",
    "--exchange-port": "exchangePort",
    "--seed": "seed",
  };
  for (let i = 0; i < argv.length; i++) {
    const flag = argv[i]!;
    if (flag === "--help") return "help";
    if (flag === "--no-worker") options.withWorker = false;
    else if (flag === "--no-console") options.withConsole = false;
    else if (flag === "--no-exchange") options.withExchange = false;
    else if (flag === "--fresh") options.fresh = true;
    else if (flag === "--data") {
      const value = argv[++i];
      if (value === undefined) return { error: "--data needs a folder" };
      options.dataDir = resolve(value);
    } else if (flag in numbers) {
      const value = Number(argv[++i]);
      const limit = flag === "--seed" ? 0xffffffff : 65_535;
      if (!Number.isInteger(value) || value < 0 || value > limit) {
        return { error: `${flag} needs a whole number from 0 to ${limit}` };
      }
      options[numbers[flag]!] = value;
    } else return { error: `unknown option ${flag}; see --help` };
  }
  return options;
}
