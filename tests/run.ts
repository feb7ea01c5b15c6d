/**
 * `npm test`: every check of the project, in order. A failing stage does not stop the later ones: one run shows
 * all there is to mend. The last line is `N passed, N failed`; a stage that fails without a failed test
 * (lint, types, a crash) counts as one failure. `--only unit,convex` runs some stages.
 */
import { parseArgs } from "node:util";
import { endAll } from "./run/command";
import { STAGES, type Stage, type StageResult } from "./run/stages";

interface Outcome extends StageResult {
  stage: Stage;
  seconds: number;
}

function chosenStages(): Stage[] {
  const { values } = parseArgs({ options: { only: { type: "string" } } });
  if (values.only === undefined) return STAGES;
  const wanted = values.only.split(",");
  const unknown = wanted.filter((name) => !STAGES.some((stage) => stage.name === name));
  if (unknown.length > 0) {
    throw new Error(`no stage ${unknown.join(", ")}; there are ${STAGES.map(({ name }) => name).join(", ")}`);
  }
  return STAGES.filter(({ name }) => wanted.includes(name));
}

async function runStage(stage: Stage): Promise<Outcome> {
  console.log(`\n=== ${stage.name}: ${stage.what}`);
  const startedAtMs = Date.now();
  const result = await stage.run().catch((error: unknown): StageResult => {
    return {
      ok: false,
      reason: error instanceof Error ? error.message : String(error),
      output: "",
      counts: null,
    };
  });
  const seconds = Math.round((Date.now() - startedAtMs) / 100) / 10;
  if (!result.ok && result.output !== "") console.log(result.output.trimEnd());
  console.log(`--- ${stage.name}: ${result.ok ? "ok" : `FAILED, ${result.reason}`}, ${seconds} s`);
  return { ...result, stage, seconds };
}

/** A stage that ended badly is at least one failure, whatever its report says. */
function failures({ ok, counts }: Outcome): number {
  return ok ? 0 : Math.max(1, counts?.failed ?? 0);
}

function printSummary(outcomes: Outcome[]): number {
  console.log("\n=== summary");
  for (const outcome of outcomes) {
    const { stage, ok, counts, seconds } = outcome;
    const tests = counts === null ? "" : `  ${counts.passed} passed, ${failures(outcome)} failed`;
    console.log(
      `${ok ? "ok    " : "FAILED"}  ${stage.name.padEnd(10)}  ${seconds.toFixed(1).padStart(6)} s${tests}`,
    );
  }
  for (const { stage, counts } of outcomes) {
    for (const title of counts?.skipped ?? []) console.log(`not run  ${stage.name}: ${title}`);
  }
  const sum = (of: (outcome: Outcome) => number) =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const failed = sum(failures);
  console.log(`${sum(({ counts }) => counts?.passed ?? 0)} passed, ${failed} failed`);
  return failed;
}

process.env.NEXT_TELEMETRY_DISABLED = "1";
process.env.CI ??= "1";
// Test runners colour their output under CI even where nobody can see it.
if (!process.stdout.isTTY) process.env.NO_COLOR ??= "1";
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    endAll();
    process.exit(1);
  });
}

try {
  const stages = chosenStages();
  const outcomes: Outcome[] = [];
  for (const stage of stages) outcomes.push(await runStage(stage));
  process.exitCode = printSummary(outcomes) === 0 ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 2;
}
