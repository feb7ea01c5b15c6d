/**
 * Thread beside the backend. It watches a counter that the main loop raises: when that stands still, the main loop is stuck in
 * somebody's code. And it watches how much memory the process has: when that is over the limit, it asks the main thread how much of it
 * is held on to. In either case it asks the debugger what runs, says it on stderr and ends the process.
 */
import { writeSync } from "node:fs";
import { Session } from "node:inspector";
import { workerData } from "node:worker_threads";

const { beats, tickMs, maxBlockedMs, maxHeapMb, probe } = workerData;
const MB = 1 << 20;
/** After garbage was let go, memory must grow by this part of the limit to be looked at again. */
const GROWTH = 0.2;
let last = -1;
let missed = 0;
let lookAboveMb = maxHeapMb;
let looking = false;

setInterval(() => {
  const now = Atomics.load(beats, 0);
  // Ticks are counted, not time: after a suspended machine wakes, both threads have missed the same.
  missed = now === last ? missed + 1 : 0;
  last = now;
  if (looking) return;
  if (maxBlockedMs > 0 && missed * tickMs >= maxBlockedMs) stopMain(blocked, 3_000, async () => true);
  if (maxHeapMb === 0 || looking) return;
  const residentMb = process.memoryUsage.rss() / MB;
  if (residentMb > lookAboveMb) stopMain(outOfMemory, 20_000, holdsTooMuch);
  else lookAboveMb = Math.max(maxHeapMb, Math.min(lookAboveMb, residentMb + GROWTH * maxHeapMb));
}, tickMs);

const blocked = {
  event: "backend.blocked",
  sentence: (who) =>
    `The backend was blocked for ${maxBlockedMs / 1000} s by ${who}, so it stops; everything acknowledged is kept. Start it again, and make the function compute less at a time.`,
};
const outOfMemory = {
  event: "backend.outOfMemory",
  sentence: (who) =>
    `The backend's memory went over its limit of ${maxHeapMb} MB while ${who} ran, so it stops; everything acknowledged is kept. Start it again, and make the function hold less at a time, or give it more with --max-heap-mb.`,
};

function say({ event, sentence }, call) {
  const { path = null, requestId = null, line = null } = call;
  const fields = { time: new Date().toISOString(), level: "error", event, path, requestId, line };
  const who = path === null ? "something" : `the function ${path}`;
  writeSync(2, `${JSON.stringify(fields)}\n${sentence(who)}\n`);
}

/**
 * Stops the main thread where it is and has `use` ask it things. A message alone would wait for the end of a loop that never ends.
 * When the main thread cannot be stopped in `patienceMs`, or `use` says so, the process ends.
 */
function stopMain(reason, patienceMs, use) {
  looking = true;
  const giveUp = setTimeout(() => {
    say(reason, {});
    process.kill(process.pid, "SIGKILL");
  }, patienceMs);
  const session = new Session();
  session.connectToMainThread();
  const ask = (method, parameters) =>
    new Promise((resolve) => session.post(method, parameters, (_, answer) => resolve(answer)));
  const evaluate = async (expression) => {
    const answer = await ask("Runtime.evaluate", { expression, returnByValue: true });
    return answer?.result?.value;
  };
  session.on("Debugger.paused", async ({ params }) => {
    const { functionName, url, location } = params.callFrames[0];
    const line = `${functionName || "(anonymous)"} at ${url}:${location.lineNumber + 1}`;
    const mustEnd = await use(evaluate);
    clearTimeout(giveUp);
    if (!mustEnd) {
      session.disconnect();
      looking = false;
      return;
    }
    say(reason, { ...(await evaluate(`${probe}.call()`)), line });
    setTimeout(() => process.kill(process.pid, "SIGKILL"), 1_000);
    void evaluate("process.reallyExit(1)");
  });
  void ask("Debugger.enable");
  void ask("Debugger.pause");
}

/** Whether what the process has is held on to, or garbage that was not collected yet. */
async function holdsTooMuch(evaluate) {
  if ((await evaluate(`${probe}.usedMb()`)) > maxHeapMb && (await evaluate(`${probe}.heldMb()`)) > maxHeapMb)
    return true;
  lookAboveMb = process.memoryUsage.rss() / MB + GROWTH * maxHeapMb;
  return false;
}
