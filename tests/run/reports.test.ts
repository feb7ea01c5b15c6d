import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readPlaywrightReport, readVitestReport } from "./reports";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "assay-reports-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function report(content: unknown): string {
  const path = join(folder, "report.json");
  writeFileSync(path, JSON.stringify(content));
  return path;
}

describe("counts of npm test", () => {
  it("of vitest count passes and failures and keep the titles of what did not run", () => {
    const assertionResults = [
      { status: "passed", fullName: "adds" },
      { status: "failed", fullName: "subtracts" },
      { status: "pending", fullName: "imports (needs ../shared/data)" },
      { status: "todo", fullName: "divides" },
    ];
    expect(readVitestReport(report({ testResults: [{ status: "failed", assertionResults }] }))).toEqual({
      passed: 1,
      failed: 1,
      skipped: ["imports (needs ../shared/data)", "divides"],
    });
  });

  it("of vitest count a file that fails before its first test as a failure", () => {
    const testResults = [
      { status: "failed", assertionResults: [] },
      { status: "failed", assertionResults: [{ status: "passed", fullName: "adds" }] },
    ];
    expect(readVitestReport(report({ testResults }))).toEqual({ passed: 1, failed: 2, skipped: [] });
  });

  it("of Playwright reach nested suites, and count an error outside any test as a failure", () => {
    const spec = (title: string, status: string, annotations: object[] = []) => ({
      title,
      tests: [{ status, annotations }],
    });
    const inner = { specs: [spec("replays", "unexpected"), spec("flickers", "flaky")] };
    const skip = [{ type: "skip", description: "needs ../shared/data" }];
    const suites = [
      { specs: [spec("signs in", "expected"), spec("imports", "skipped", skip)], suites: [inner] },
    ];
    expect(readPlaywrightReport(report({ errors: [{ message: "setup" }], suites }))).toEqual({
      passed: 1,
      failed: 3,
      skipped: ["imports (needs ../shared/data)"],
    });
  });

  it("are null without a report, so that a runner that wrote none cannot pass", () => {
    expect(readVitestReport(join(folder, "none.json"))).toBeNull();
    expect(readPlaywrightReport(join(folder, "none.json"))).toBeNull();
  });

  it("refuse a report of another shape", () => {
    expect(() => readVitestReport(report({ results: [] }))).toThrow();
  });
});
