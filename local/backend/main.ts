import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { adminKeyOf } from "./admin/adminKey";
import { COMMANDS_USAGE, runCommand } from "./admin/commands";
import { LOG_LEVELS, type LogLevel, stderrLog } from "./log";
import { startWatchdog } from "./operation/watchdog";
import { currentCall, reportLeftBehind } from "./runtime/callContext";
import { isThrownByFunction } from "./runtime/sourceMaps";
import { startBackend } from "./startBackend";
import { OperatorError } from "./store/store";

const USAGE =
  "usage: backend --functions DIR --data DIR --port P [--site-port P2] [--host 127.0.0.1] [--admin-key KEY | --admin-key-file FILE] [--env-file FILE]\n" +
  "               [--compute-limit-ms 1000] [--max-blocked-ms 15000] [--max-heap-mb 1024] [--log-level info]\n" +
  COMMANDS_USAGE;

function portOf(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new OperatorError(`--${name} must be a port between 0 and 65535; found ${JSON.stringify(text)}.`);
  }
  return port;
}

/** A whole number of `unit` given on the command line, 0 to `most`. Throws OperatorError. */
function numberOf(
  text: string | undefined,
  name: string,
  unit: string,
  most: number,
  otherwise: number,
): number {
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > most) {
    throw new OperatorError(
      `--${name} must be ${unit} between 0 and ${most}; found ${JSON.stringify(text)}.`,
    );
  }
  return value;
}

const milliseconds = (text: string | undefined, name: string, otherwise: number) =>
  numberOf(text, name, "milliseconds", 3_600_000, otherwise);

/** Deployment variables of a JSON object file. Throws OperatorError. */
function environmentOf(file: string | undefined): Record<string, string> {
  if (file === undefined) return {};
  if (!existsSync(file)) throw new OperatorError(`The file ${file} given with --env-file does not exist.`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new OperatorError(`The file ${file} is not JSON: ${(error as Error).message}`);
  }
  const entries = Object.entries((value ?? {}) as Record<string, unknown>);
  const bad = entries.find(([, text]) => typeof text !== "string");
  if (Array.isArray(value) || bad) {
    throw new OperatorError(
      `${file} must be a JSON object of strings; look at ${bad?.[0] ?? "the top level"}.`,
    );
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

async function main(): Promise<void> {
  if (await runCommand(process.argv.slice(2))) return;
  const { values } = parseArgs({
    options: {
      functions: { type: "string" },
      data: { type: "string" },
      port: { type: "string" },
      "site-port": { type: "string" },
      host: { type: "string" },
      "admin-key": { type: "string" },
      "admin-key-file": { type: "string" },
      "env-file": { type: "string" },
      "compute-limit-ms": { type: "string" },
      "max-blocked-ms": { type: "string" },
      "max-heap-mb": { type: "string" },
      "log-level": { type: "string", default: "info" },
      help: { type: "boolean" },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  if (!values.functions || !values.data)
    throw new OperatorError(`--functions and --data are needed.\n${USAGE}`);
  process.env.TZ = "UTC";
  // Left alone, the engine lets garbage of a bulk load grow to several times what lives; this costs no measurable speed.
  setFlagsFromString("--heap-growing-percent=25");
  const level = values["log-level"] as LogLevel;
  if (!LOG_LEVELS.includes(level)) {
    throw new OperatorError(
      `--log-level must be one of ${LOG_LEVELS.join(", ")}; found ${JSON.stringify(level)}.`,
    );
  }
  const log = stderrLog(level);
  const adminKey = adminKeyOf(values["admin-key"], values["admin-key-file"]);
  const maxBlockedMs = milliseconds(values["max-blocked-ms"], "max-blocked-ms", 15_000);
  const maxHeapMb = numberOf(values["max-heap-mb"], "max-heap-mb", "megabytes", 65_536, 1024);
  const sitePort = portOf(values["site-port"], "site-port");
  const running = await startBackend({
    functionsDir: values.functions,
    dataDir: values.data,
    port: portOf(values.port, "port") ?? 3210,
    ...(sitePort === undefined ? {} : { sitePort }),
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(adminKey === undefined ? {} : { adminKey }),
    environment: environmentOf(values["env-file"]),
    log,
    computeLimitMs: milliseconds(values["compute-limit-ms"], "compute-limit-ms", 1000),
  });
  startWatchdog({ maxBlockedMs, maxHeapMb });
  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) {
      process.stderr.write("Stopped at once by a second signal; everything acknowledged is kept.\n");
      process.exit(1);
    }
    stopping = true;
    log("info", "backend.stopping", { signal });
    running.close().then(
      () => process.exit(0),
      (error) => {
        process.stderr.write(`The backend did not stop cleanly: ${error?.message ?? error}\n`);
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("unhandledRejection", (error) => {
    // User code may leave a promise behind; that must not take the backend down.
    log("error", "backend.unhandledRejection", { error: (error as Error)?.stack ?? String(error) });
  });
  process.on("uncaughtException", (error) => {
    // Thrown by an emitter or a listener that a function left behind: its failure, not the backend's.
    const call = currentCall();
    if (call) reportLeftBehind(call, error);
    else if (isThrownByFunction(error)) {
      log("error", "function.uncaughtException", { error: error?.stack ?? String(error) });
    } else {
      process.stderr.write(`The backend failed unexpectedly: ${error.stack}\n`);
      process.exit(1);
    }
  });
  log("info", "backend.ready", { url: running.url, siteUrl: running.siteUrl });
  process.stdout.write(`ready ${running.url}\n`);
}

main().catch((error) => {
  const sentence =
    error instanceof OperatorError ? error.message : ((error as Error)?.stack ?? String(error));
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
});
