/**
 * An operator's first hour, in a real browser against the whole desk: sign in, train, watch a paper run on real
 * July 2025 prices decide and fill live, open a decision and replay it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type BrowserContext, expect, type Page, test } from "@playwright/test";
import {
  assay,
  type RunningUp,
  startUp,
  syntheticCsvLines,
  temporaryFolder,
  writeCsv,
} from "../support/assay";
import { realBars } from "../support/realBars";

test.describe.configure({ mode: "serial" });

const folder = temporaryFolder();
const data = join(folder.path, "desk");
/** Where the shared price file is absent the same way is walked on a seeded random walk, and says so. */
let range = { train: ["2025-05-01", "2025-07-01"], run: ["2025-07-01", "2025-07-15"] };
let desk: RunningUp;
let context: BrowserContext;
let page: Page;
let consoleUrl = "";
let runUrl = "";
/** Pages that the tests before have made. */
const made: string[] = [];

test.beforeAll(async ({ browser }) => {
  test.setTimeout(240_000);
  desk = await startUp(["--port", "0", "--backend-port", "0", "--exchange-port", "0", "--data", data]);
  consoleUrl = /Console\s+(http\S+)/.exec(desk.output())![1]!;
  const lines = (await realBars("2025-04-10T00:00Z", "2025-07-15T00:00Z")) ?? syntheticMonths();
  const file = writeCsv(join(folder.path, "bars.csv"), lines);
  const imported = await assay(
    data,
    "import",
    file,
    "--instrument",
    "XAUT-USDT",
    "--timeframe",
    "1m",
    "--json",
  );
  expect(imported.result, imported.stderr).toMatchObject({ rowsAdded: lines.length });
  const [from, to] = range.train;
  const built = await assay(
    data,
    "dataset",
    "build",
    "--instrument",
    "XAUT-USDT",
    "--timeframe",
    "15m",
    "--from",
    from!,
    "--to",
    to!,
    "--json",
  );
  expect(built.code, built.stderr).toBe(0);
  context = await browser.newContext();
  page = await context.newPage();
});

test.afterAll(async () => {
  await context?.close();
  await desk?.stop();
  folder.remove();
});

function syntheticMonths(): string[] {
  console.warn("../shared/data is absent: this test replays a seeded random walk instead of July 2025");
  const lines = syntheticCsvLines(90 * 1440, 4);
  const dayOf = (row: number) => new Date(Number(lines[row]!.split(",")[0])).toISOString().slice(0, 10);
  range = { train: [dayOf(20 * 1440), dayOf(75 * 1440)], run: [dayOf(75 * 1440), dayOf(88 * 1440)] };
  return lines;
}

const count = async (testId: string) =>
  Number(
    (await page.getByTestId(testId).innerText()).replace(/[^\d]*([\d,]+)[\s\S]*/, "$1").replaceAll(",", ""),
  );

test("nobody sees the desk without signing in, and the link works once", async ({ browser }) => {
  await page.goto(consoleUrl);
  await expect(page).toHaveURL(/\/sign-in/);
  const link = /Sign in\s+(http\S+)/.exec(desk.output())![1]!;
  await page.goto(link);
  await page
    .getByTestId("sign-in-button")
    .click({ timeout: 5_000 })
    .catch(() => {});
  await expect(page).toHaveURL(`${consoleUrl}/`);
  await expect(page.getByTestId("member-role")).toContainText(/admin/i);
  await expect(page.getByTestId("simulated-notice").first()).toContainText(/simulated/i);
  const cookie = (await context.cookies()).find(({ name }) => name === "assay_session");
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: "Lax" });

  const stranger = await browser.newContext();
  const other = await stranger.newPage();
  await other.goto(link);
  await other
    .getByTestId("sign-in-button")
    .click({ timeout: 5_000 })
    .catch(() => {});
  await expect(other.getByText(/not valid any more/)).toBeVisible();
  await stranger.close();
});

test("a training started in the browser shows its curve while it trains and ends as a candidate", async () => {
  await page.goto(`${consoleUrl}/agents?train=1`);
  await page.getByTestId("train-steps").fill("150000");
  await page.getByTestId("train-seed").fill("7");
  await page.getByTestId("train-submit").click();
  await expect(page).toHaveURL(/\/agents\/[a-z0-9]+$/);
  const curves = page.getByTestId("training-curves");
  await expect
    .poll(async () => Number(await curves.getAttribute("data-points")), { timeout: 60_000 })
    .toBeGreaterThan(2);
  await expect(page.getByTestId("version-status")).toContainText(/candidate/i, { timeout: 60_000 });
});

test("a recipe walked forward in the browser ends with a verdict on luck, gate by gate", async () => {
  await page.goto(`${consoleUrl}/evaluations?view=walk&walk=1`);
  await page.getByTestId("walk-steps").fill("2000");
  await page.getByTestId("plan-folds").fill("2");
  await page.getByTestId("plan-seeds").fill("1, x");
  await page.getByTestId("walk-submit").click();
  await expect(page.getByRole("alert")).toContainText(/seeds must be numbers/i);
  await page.getByTestId("plan-seeds").fill("1");
  await page.getByTestId("plan-costs").fill("1");
  await page.getByTestId("plan-probes").uncheck();
  await page.getByTestId("walk-submit").click();
  await expect(page).toHaveURL(/\/evaluations\/walk-forward\/[a-z0-9]+$/);
  made.push(new URL(page.url()).pathname);
  await expect(page.getByTestId("walk-forward-status")).toContainText(/finished/i, { timeout: 60_000 });
  await expect(page.getByTestId("verdict")).toContainText(/better than luck/i);
  await expect(page.getByTestId("gates")).toContainText("Walk-forward folds 2 is below 4.");
  await expect(page.getByTestId("trial-allowance")).toContainText(/you ran \d+/);
  await expect(page.getByTestId("fold-row")).toHaveCount(10);
});

test("a search in the browser ends with a best configuration that fills the training form", async () => {
  await page.goto(`${consoleUrl}/evaluations?view=search&start=1`);
  for (const [name, value] of [
    ["configurations", "2"],
    ["firstSteps", "1000"],
    ["rungs", "1"],
  ] as const) {
    await page.getByTestId(`search-${name}`).fill(value);
  }
  await page.getByTestId("search-submit").click();
  await expect(page).toHaveURL(/\/evaluations\/search\/[a-z0-9]+$/);
  made.push(new URL(page.url()).pathname);
  await expect(page.getByTestId("search-status")).toContainText(/finished/i, { timeout: 60_000 });
  await expect(page.getByTestId("trial-row")).toHaveCount(2);
  await page.getByTestId("train-best").click();
  await expect(page.getByTestId("overrides")).toHaveValue(/^learningRate=0\.\d+$/);
  await expect(page.getByTestId("train-steps")).toHaveValue("1000");
});

test("a new gate policy takes a reason, and the history says what changed", async () => {
  await page.goto(`${consoleUrl}/governance`);
  await page.getByTestId("edit-gates").click();
  await page.getByTestId("gate-walkForward.minFolds").fill("3");
  await expect(page.getByTestId("gate-submit")).toBeDisabled();
  await page.getByTestId("gate-reason").fill("the history is short");
  await page.getByTestId("gate-submit").click();
  await expect(page.getByTestId("gate-policy")).toContainText("folds, at least 4 → 3");
});

test("U-01: a replayed paper run decides and fills live, with no reload", async () => {
  await page.goto(`${consoleUrl}/runs?start=1`);
  await page.getByTestId("run-from").fill(range.run[0]!);
  await page.getByTestId("run-to").fill(range.run[1]!);
  await page.getByTestId("start-run-submit").click();
  await expect(page).toHaveURL(/\/runs\/[a-z0-9]+$/);
  runUrl = page.url();
  let navigations = 0;
  page.on("framenavigated", () => {
    navigations += 1;
  });
  await expect.poll(() => count("run-decisions-count"), { timeout: 60_000 }).toBeGreaterThan(0);
  const seen = new Set<number>();
  await expect
    .poll(
      async () => {
        seen.add(await count("run-decisions-count"));
        return page.getByTestId("run-status").innerText();
      },
      { timeout: 90_000, intervals: [100] },
    )
    .toMatch(/finished/i);
  expect(seen.size, "the count moved while the page was watched").toBeGreaterThan(3);
  expect(await count("run-decisions-count")).toBeGreaterThan(800);
  expect(await count("run-fills-count")).toBeGreaterThan(0);
  expect(navigations).toBe(0);
});

test("a decision shows why it was made, and replays to the same bits", async () => {
  const runId = runUrl.split("/").at(-1)!;
  await page.goto(`${consoleUrl}/decisions?run=${runId}`);
  await page.getByTestId("decision-row").first().click();
  const drawer = page.getByTestId("decision-drawer");
  await expect(drawer.getByTestId("provenance")).toContainText(/dataset/i);
  await expect(drawer.getByTestId("observation")).toContainText("position");
  await drawer.getByTestId("replay-button").click();
  await expect(drawer.getByTestId("replay-result")).toHaveAttribute("data-result", "identical", {
    timeout: 30_000,
  });
});

test("the export of a run's decisions holds every one of them", async () => {
  const runId = runUrl.split("/").at(-1)!;
  await page.goto(`${consoleUrl}/runs/${runId}`);
  const decided = await count("run-decisions-count");
  await page.goto(`${consoleUrl}/decisions?run=${runId}`);
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByTestId("export-csv").click()]);
  const lines = readFileSync(await file.path(), "utf8")
    .trimEnd()
    .split("\r\n");
  expect(lines).toHaveLength(decided + 1);
  expect(lines[0]).toContain("barOpenTimeMs");
});

test("two datasets are compared down to their columns, only by what differs", async () => {
  await page.goto(`${consoleUrl}/datasets`);
  await page.getByTestId("compare-datasets").click();
  await expect(page.getByTestId("comparison")).toContainText("Columns");
  const differing = page.getByTestId("comparison").locator("tr[data-differs]");
  const some = await differing.count();
  expect(some).toBeGreaterThan(0);
  await page.getByTestId("only-differences").click();
  await expect.poll(() => differing.count()).toBeGreaterThan(some);
  made.push(page.url().slice(consoleUrl.length));
});

test("K-01: the kill switch needs its phrase typed, stops a running run from opening, and is re-armed apart", async () => {
  await page.goto(`${consoleUrl}/governance`);
  await expect(page.getByTestId("kill-state").first()).toContainText(/armed/i);
  await page.keyboard.press("Control+k");
  await page.getByTestId("palette-input").fill("stop everything");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("kill-dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByTestId("kill-dialog")).toBeHidden();
  await page.keyboard.press("Control+Shift+K");
  await expect(page.getByTestId("kill-dialog")).toBeVisible();
  await page.getByTestId("confirm-reason").fill("end-to-end drill");
  await expect(page.getByTestId("confirm-submit")).toBeDisabled();
  await page.getByTestId("confirm-phrase").fill("KILL");
  await page.getByTestId("confirm-submit").click();
  await expect(page.getByTestId("kill-state").first()).not.toContainText(/armed/i);
  const refused = await assay(
    data,
    "run",
    "start",
    "--instrument",
    "XAUT-USDT",
    "--from",
    range.run[0]!,
    "--to",
    range.run[1]!,
  );
  expect([refused.code, /kill switch is on/i.test(refused.stderr)]).toEqual([1, true]);
  const armed = await assay(data, "kill", "arm", "--reason", "drill over");
  expect(armed.code).toBe(0);
  await expect(page.getByTestId("kill-state").first()).toContainText(/armed/i);
});

const PAGES = [
  "/",
  "/market",
  "/datasets",
  "/datasets/compare",
  "/agents",
  "/agents/compare",
  "/evaluations",
  "/evaluations?view=walk",
  "/evaluations?view=search",
  "/learning",
  "/learning?view=drift",
  "/costs",
  "/runs",
  "/decisions",
  "/governance",
  "/ops",
];

for (const [width, height] of [
  [1440, 900],
  [390, 844],
] as const) {
  test(`every page fits ${width} px: no sideways scroll, no error, no console error`, async () => {
    const errors: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    await page.setViewportSize({ width, height });
    for (const path of [...PAGES, ...made]) {
      await page.goto(`${consoleUrl}${path}`);
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(overflow, `${path} at ${width} px`).toBeLessThanOrEqual(0);
    }
    expect(errors).toEqual([]);
  });
}
