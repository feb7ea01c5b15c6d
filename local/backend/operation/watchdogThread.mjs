/**
 * Thread beside the backend: watches a counter that the main loop raises. When it stands still, the main loop is stuck in
 * somebody's code; then this asks the debugger what runs, says it on stderr and ends the process.
 */
import { writeSync } from "node:fs";
import { Session } from "node:inspector";
import { workerData } from "node:worker_threads";

const { beats, limitMs, ticks, currentCall } = workerData;
let last = -1;
let missed = 0;

setInterval(() => {
  const now = Atomics.load(beats, 0);
  // Ticks are counted, not time: after a suspended machine wakes, both threads have missed the same.
  missed = now === last ? missed + 1 : 0;
  last = now;
  if (missed === ticks) explain();
}, limitMs / ticks);

function end(call) {
  const { path = null, requestId = null, line = null } = call;
  const fields = {
    time: new Date().toISOString(),
    level: "error",
    event: "backend.blocked",
    path,
    requestId,
    line,
  };
  const who = path === null ? "something" : `the function ${path}`;
  const sentence = `The backend was blocked for ${limitMs / 1000} s by ${who}, so it stops; everything acknowledged is kept. Start it again, and make the function compute less at a time.`;
  writeSync(2, `${JSON.stringify(fields)}\n${sentence}\n`);
}

function explain() {
  const session = new Session();
  // Whatever the debugger does, the process ends.
  const giveUp = setTimeout(() => {
    end({});
    process.kill(process.pid, "SIGKILL");
  }, 3_000);
  session.connectToMainThread();
  session.on("Debugger.paused", ({ params }) => {
    const { functionName, url, location } = params.callFrames[0];
    const line = `${functionName || "(anonymous)"} at ${url}:${location.lineNumber + 1}`;
    session.post("Runtime.evaluate", { expression: currentCall, returnByValue: true }, (_, answer) => {
      clearTimeout(giveUp);
      end({ ...answer?.result?.value, line });
      setTimeout(() => process.kill(process.pid, "SIGKILL"), 1_000);
      session.post("Runtime.evaluate", { expression: "process.reallyExit(1)" });
    });
  });
  session.post("Debugger.enable");
  session.post("Debugger.pause");
}
