/** The worker process: reads its configuration, connects, works until it is told to stop. */
import { randomUUID } from "node:crypto";
import { readConfig } from "./config";
import { folderFeatureCache } from "./datasets/featureCache";
import { runWorkerLoop } from "./jobs/loop";
import { systemClock } from "./runtime/clock";
import { createLogger, messageOf } from "./runtime/log";
import { connectDesk } from "./transport/desk";

const log = createLogger("worker");

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const workerId = `worker-${randomUUID().slice(0, 8)}`;
  const desk = connectDesk(
    { ...config, subject: "service:worker" },
    { onWait: (message) => log.info("waiting", { message }) },
  );
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      log.info("stopping", { signal });
      stop.abort();
    });
  }
  process.stdout.write(`ready ${workerId}\n`);
  await runWorkerLoop({
    desk,
    clock: systemClock,
    log,
    workerId,
    concurrentJobs: config.concurrentJobs,
    featureCache:
      config.featureCache && folderFeatureCache({ ...config.featureCache, nowMs: systemClock.nowMs }),
    signal: stop.signal,
  });
  await desk.close();
}

main().then(
  () => process.exit(0),
  (error) => {
    log.error("fatal", { message: messageOf(error) });
    process.exit(1);
  },
);
