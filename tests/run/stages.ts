/** The stages of `npm test`, in their order. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ensureChromium } from "./chromium";
import { checkCodegen } from "./codegen";
import { bin, type CommandResult, ROOT, runCommand } from "./command";
import { readPlaywrightReport, readVitestReport, type TestCounts } from "./reports";

export interface StageResult {
  ok: boolean;
  reason: string;
  /** Printed when the stage fails; stages that stream have printed already. */
  output: string;
  /** Null for stages that run no tests. */
  counts: TestCounts | null;
}

export interface Stage {
  name: string;
  what: string;
  run(): Promise<StageResult>;
}

/** Limits are several times what a stage takes on two idle cores: they end what hangs, not what a busy machine slows down. */
const MINUTE_MS = 60_000;
const REPORTS = join(ROOT, "build/test");
/** The formatter has a stage of its own; warnings do not fail and are seen in an editor. */
const LINT_ARGUMENTS = ["check", "--formatter-enabled=false", "--diagnostic-level=error", "."];
const TYPE_PROJECTS = ["tests", "convex", "local", "rl-worker", "lib"];

async function plain(result: Promise<CommandResult>): Promise<StageResult> {
  return { ...(await result), counts: null };
}

/** The first failure of several commands, two at a time. */
async function allOf(commands: Array<() => Promise<CommandResult>>): Promise<CommandResult> {
  const results: CommandResult[] = [];
  const queue = [...commands];
  const lane = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) results.push(await next());
  };
  await Promise.all([lane(), lane()]);
  const failed = results.filter(({ ok }) => !ok);
  return {
    ok: failed.length === 0,
    reason: failed[0]?.reason ?? "exit code 0",
    output: failed.map(({ output }) => output).join(""),
  };
}

const typesOf = (project: string) => runCommand(bin("tsc"), ["-p", project], { timeoutMs: 6 * MINUTE_MS });

/** The console's types need next-env.d.ts and the route types, which a fresh clone does not have; the longest goes first. */
async function consoleTypes(): Promise<CommandResult> {
  const generated = await runCommand(bin("next"), ["typegen"], { timeoutMs: 2 * MINUTE_MS });
  return generated.ok ? typesOf("tsconfig.json") : generated;
}

function types(): Promise<CommandResult> {
  return allOf([consoleTypes, ...TYPE_PROJECTS.map((project) => () => typesOf(project))]);
}

/** A test stage is green only when its report says that tests ran and none failed. */
function withCounts(result: CommandResult, counts: TestCounts | null): StageResult {
  if (!result.ok) return { ...result, counts };
  if (counts === null || counts.passed === 0) {
    return { ...result, ok: false, reason: "the runner reported no passed test", counts };
  }
  return { ...result, ok: counts.failed === 0, reason: `${counts.failed} failed`, counts };
}

/** Last run's report must not stand for this one's. */
function freshReport(name: string): string {
  mkdirSync(REPORTS, { recursive: true });
  const path = join(REPORTS, `${name}.json`);
  rmSync(path, { force: true });
  return path;
}

async function vitest(project: string, minutes: number): Promise<StageResult> {
  const report = freshReport(project);
  const args = ["run", "--project", project, "--reporter=default", "--reporter=json"];
  const result = await runCommand(bin("vitest"), [...args, `--outputFile.json=${report}`], {
    timeoutMs: minutes * MINUTE_MS,
    stream: true,
  });
  return withCounts(result, readVitestReport(report));
}

async function endToEnd(): Promise<StageResult> {
  const chromiumPath = await ensureChromium();
  const build = await runCommand(bin("tsx"), ["tests/run/buildConsole.ts"], { timeoutMs: 8 * MINUTE_MS });
  if (!build.ok) return { ...build, counts: null };
  const report = freshReport("e2e");
  const result = await runCommand(bin("playwright"), ["test"], {
    timeoutMs: 15 * MINUTE_MS,
    stream: true,
    env: { CHROMIUM_PATH: chromiumPath, PLAYWRIGHT_JSON_OUTPUT_FILE: report },
  });
  return withCounts(result, readPlaywrightReport(report));
}

export const STAGES: Stage[] = [
  {
    name: "format",
    what: "every file as the formatter writes it",
    run: () =>
      plain(runCommand(bin("biome"), ["format", "--reporter=summary", "."], { timeoutMs: 3 * MINUTE_MS })),
  },
  {
    name: "lint",
    what: "lint rules and import order",
    run: () => plain(runCommand(bin("biome"), LINT_ARGUMENTS, { timeoutMs: 3 * MINUTE_MS })),
  },
  { name: "types", what: `strict types in ${TYPE_PROJECTS.length + 1} projects`, run: () => plain(types()) },
  {
    name: "arch",
    what: "who may import, call and write what",
    run: () => plain(runCommand(bin("tsx"), ["tests/arch/check.ts"], { timeoutMs: 3 * MINUTE_MS })),
  },
  {
    name: "codegen",
    what: "convex/_generated is what convex/ generates",
    run: () => plain(checkCodegen(4 * MINUTE_MS)),
  },
  { name: "unit", what: "tests beside their subject", run: () => vitest("unit", 8) },
  { name: "long", what: "those of them that compute for seconds", run: () => vitest("long", 8) },
  { name: "convex", what: "the control plane in convex-test", run: () => vitest("convex", 8) },
  {
    name: "simulation",
    what: "processes, faults and learning, one file at a time",
    run: () => vitest("simulation", 30),
  },
  { name: "e2e", what: "the console in chromium over a running desk", run: endToEnd },
];
