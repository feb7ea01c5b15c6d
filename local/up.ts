/** `npm start`: exchange, backend, worker and console together, one clear screen, Ctrl-C stops all of them. */
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { startDesk } from "./desk/desk";
import { parseUpOptions, UP_USAGE, type UpOptions } from "./desk/options";
import { screen } from "./desk/screen";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** A desk that a command started for itself ends with it, even when the command was killed. */
function watchParent(onGone: () => void): void {
  const parent = Number(process.env.ASSAY_PARENT_PID ?? 0);
  if (parent <= 0) return;
  setInterval(() => {
    try {
      process.kill(parent, 0);
    } catch {
      onGone();
    }
  }, 1_000).unref();
}

async function run(options: UpOptions): Promise<number> {
  const startedAtMs = Date.now();
  let interrupted: () => void = () => {};
  const interruption = new Promise<"signal">((resolvePromise) => {
    interrupted = () => resolvePromise("signal");
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interrupted());
  watchParent(() => interrupted());
  const desk = await startDesk(ROOT, options, (line) => process.stderr.write(`${line}\n`));
  process.stdout.write(screen(desk, options, (Date.now() - startedAtMs) / 1000));
  const why = await Promise.race([interruption, desk.crashed]);
  if (why !== "signal") {
    const { name, lastWords } = why;
    process.stderr.write(
      `${lastWords}\nThe ${name} keeps ending; see ${options.dataDir}/logs/${name}.log. Stopping the rest.\n`,
    );
  } else process.stderr.write("Stopping ...\n");
  await desk.stop();
  process.stderr.write("Stopped. Your data is kept.\n");
  return why === "signal" ? 0 : 1;
}

const options = parseUpOptions(process.argv.slice(2), process.env);
if (options === "help") {
  process.stdout.write(`${UP_USAGE}\n`);
} else if ("error" in options) {
  process.stderr.write(`${options.error}\n`);
  process.exitCode = 2;
} else {
  run(options).then(
    (code) => process.exit(code),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(1);
    },
  );
}
