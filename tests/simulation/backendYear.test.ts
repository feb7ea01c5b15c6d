import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { createPrng } from "../../lib/core/prng";
import { Backend } from "../../local/backend/backend";
import { SYSTEM_CALL } from "../../local/backend/runtime/runner";
import { requestKey } from "../../local/backend/scheduler/maintenance";
import { SimulatedDisk } from "../backend/simulatedDisk";
import { VirtualTime } from "../backend/virtualTime";

const FUNCTIONS = fileURLToPath(new URL("../backend/fixtures/year/convex", import.meta.url));
const DAY_MS = 24 * 3600 * 1000;
const PER_DAY = 12;
/** Request records are kept for two weeks and looked at every six hours; jobs for a week, looked at hourly. */
const MOST_RECORDS = 14.25 * PER_DAY + 1;
const MOST_JOBS = (7 * 24 + 1) * (2 * PER_DAY) * (1 / 24) + 2;

describe("a year of one desk in virtual time", () => {
  it("keeps request records two weeks and finished jobs one, and otherwise only what is live", async () => {
    const prng = createPrng(365);
    const time = new VirtualTime(Date.parse("2026-01-01T00:00:00Z"));
    const disk = new SimulatedDisk(prng);
    disk.instant = true;
    const ports = time.process(prng);
    const backend = await Backend.open({
      functionsDir: FUNCTIONS,
      dataDir: "/nonexistent/simulated",
      adminKey: null,
      environment: {},
      log: () => {},
      ports,
      disk: disk.mount(ports),
      urls: { cloud: "http://cloud", site: "http://site" },
      onFatal: (error) => {
        throw error;
      },
    });
    const jobs = backend.catalog.root.systemTable("_scheduled_functions");
    const count = (prefix: string) => {
      const { rows } = disk.contents();
      return rows.at(`${prefix}\xff`) - rows.at(prefix);
    };
    const bytes = () => {
      const { rows } = disk.contents();
      return rows.keys.reduce((sum, key, i) => sum + key.length + rows.values[i]!.length, 0);
    };
    const most = { records: 0, jobs: 0, bytesOfFirstMonth: 0, bytesLater: 0 };
    for (let day = 0; day < 365; day++) {
      for (let n = 0; n < PER_DAY; n++) {
        const key = requestKey(`session${day}`, n);
        const { value } = await backend.runner.mutation("desk:decide", { size: n }, SYSTEM_CALL, key);
        expect(value.ok).toBe(true);
        await time.runUntil(time.nowMs + DAY_MS / PER_DAY);
      }
      most.records = Math.max(most.records, count("r"));
      most.jobs = Math.max(most.jobs, count(jobs.docPrefix));
      const month = day < 31 ? "bytesOfFirstMonth" : "bytesLater";
      most[month] = Math.max(most[month], bytes());
    }
    expect(most.records).toBeLessThanOrEqual(MOST_RECORDS);
    expect(most.jobs).toBeLessThanOrEqual(MOST_JOBS);
    // Numbers grow a digit longer over a year; rows do not grow in number.
    expect(most.bytesLater).toBeLessThan(most.bytesOfFirstMonth * 1.02);
    expect(backend.committer.stats.batchSizes.count).toBeGreaterThan(365 * PER_DAY * 2);
    ports.end();
  });
});
