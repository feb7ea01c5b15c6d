/** Reads the JSON reports of vitest and Playwright into counts. */
import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";

export interface TestCounts {
  passed: number;
  failed: number;
  /** Titles of the tests that did not run, with the reason where the runner gives one. */
  skipped: string[];
}

const vitestReport = z.object({
  testResults: z.array(
    z.object({
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
    }),
  ),
});

/** A file that fails before its first test (a broken import) counts as one failure. */
export function readVitestReport(path: string): TestCounts | null {
  if (!existsSync(path)) return null;
  const counts: TestCounts = { passed: 0, failed: 0, skipped: [] };
  for (const file of vitestReport.parse(JSON.parse(readFileSync(path, "utf8"))).testResults) {
    const failedBefore = counts.failed;
    for (const { status, fullName } of file.assertionResults) {
      if (status === "passed") counts.passed++;
      else if (status === "failed") counts.failed++;
      else counts.skipped.push(fullName);
    }
    if (file.status === "failed" && counts.failed === failedBefore) counts.failed++;
  }
  return counts;
}

interface PlaywrightSuite {
  suites?: PlaywrightSuite[];
  specs?: Array<{
    title: string;
    tests: Array<{ status: string; annotations: Array<{ type: string; description?: string }> }>;
  }>;
}

const playwrightReport = z.object({
  errors: z.array(z.unknown()),
  suites: z.array(z.custom<PlaywrightSuite>((value) => typeof value === "object" && value !== null)),
});

/** An error outside any test (a broken spec file, a global setup) counts as one failure. */
export function readPlaywrightReport(path: string): TestCounts | null {
  if (!existsSync(path)) return null;
  const report = playwrightReport.parse(JSON.parse(readFileSync(path, "utf8")));
  const counts: TestCounts = { passed: 0, failed: report.errors.length, skipped: [] };
  const count = (suite: PlaywrightSuite): void => {
    for (const spec of suite.specs ?? []) {
      for (const test of spec.tests) {
        if (test.status === "expected") counts.passed++;
        else if (test.status === "skipped") {
          const why = test.annotations.find(({ type }) => type === "skip")?.description;
          counts.skipped.push(why === undefined ? spec.title : `${spec.title} (${why})`);
        } else counts.failed++;
      }
    }
    for (const inner of suite.suites ?? []) count(inner);
  };
  for (const suite of report.suites) count(suite);
  return counts;
}
