/** First code of a training thread: makes TypeScript loadable where the module is TypeScript, then runs it. */
import { workerData } from "node:worker_threads";

const { moduleUrl } = workerData;
if (moduleUrl.endsWith(".ts")) {
  const { register } = await import("tsx/esm/api");
  register();
}
await import(moduleUrl);
