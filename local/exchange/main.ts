import { parseArgs } from "node:util";
import { createRunningClock } from "./clock";
import { resolveIdentity } from "./identity";
import { DAY_MS } from "./market/hours";
import { startExchange } from "./server";

const HELP = `Simulated BingX-compatible exchange (public REST of gold perpetuals). Every price it shows is simulated.

  tsx local/exchange/main.ts --port 3410 --seed 7 [--data DIR]

  --port P             port on 127.0.0.1; 0 takes any free one (default 3410)
  --seed N             which market: same seed, same bars (default 1, or what --data holds)
  --data DIR           remember seed and clock in DIR/exchange.json
  --start-days N       days of history before now (default: from 2025-01-01)
  --speed N            exchange seconds per real second, 0.1 to 3600 (default 1)
  --clock-offset-ms N  exchange clock minus this computer's clock (default 0)
`;

/** The fields a person can get wrong; reported as one sentence with exit code 2. */
class UsageError extends Error {}

function number(
  name: string,
  text: string | undefined,
  min: number,
  max: number,
  integer = true,
): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() === "" || !(value >= min && value <= max) || (integer && !Number.isInteger(value))) {
    throw new UsageError(
      `--${name} must be ${integer ? "an integer" : "a number"} from ${min} to ${max}, not "${text}"`,
    );
  }
  return value;
}

function readArguments() {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      options: {
        port: text,
        seed: text,
        data: text,
        "start-days": text,
        speed: text,
        "clock-offset-ms": text,
        help: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

async function main(): Promise<void> {
  const values = readArguments();
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const nowMs = Date.now();
  const startDays = number("start-days", values["start-days"], 1, 1000);
  const identity = resolveIdentity(values.data, {
    seed: number("seed", values.seed, 0, 2 ** 31 - 1),
    speed: number("speed", values.speed, 0.1, 3600, false),
    clockOffsetMs: number("clock-offset-ms", values["clock-offset-ms"], -DAY_MS * 366, DAY_MS * 366),
    historyStartMs:
      startDays === undefined ? Date.UTC(2025, 0, 1) : Math.floor(nowMs / DAY_MS - startDays) * DAY_MS,
    nowMs,
  });
  const clock = createRunningClock({
    wallNow: Date.now,
    originWallMs: identity.originWallMs,
    originExchangeMs: identity.originWallMs + identity.clockOffsetMs,
    speed: identity.speed,
  });
  const port = number("port", values.port, 0, 65_535) ?? 3410;
  const exchange = await startExchange({
    seed: identity.seed,
    port,
    clock,
    historyStartMs: identity.historyStartMs,
  });
  console.log(`ready ${exchange.url}`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void exchange.close().then(() => process.exit(0)));
  }
}

main().catch((error: NodeJS.ErrnoException) => {
  if (error instanceof UsageError) {
    console.error(`exchange: ${error.message}. See --help.`);
    process.exit(2);
  }
  const busy = error.code === "EADDRINUSE";
  console.error(
    busy
      ? "exchange: the port is taken by another program; stop it or choose another --port."
      : `exchange: ${error.message}`,
  );
  process.exit(1);
});
