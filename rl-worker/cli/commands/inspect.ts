/** `assay audit verify`, `list`, `sign-in`, `doctor`: looking at the desk. */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { api } from "../../../convex/_generated/api";
import { CHAIN_START, verifyEntries } from "../../../lib/audit/chain";
import { FEED_FACTS } from "../../../lib/feeds/types";
import { type DeskFile, readDesk } from "../../deskFile";
import { systemClock } from "../../runtime/clock";
import type { Desk } from "../../transport/desk";
import type { JsonValue } from "../output";
import { CommandError, dataDirOf, ROOT, UsageError } from "../session";
import { runProgress } from "./operate";

/** Walks the whole chain in pages; names the first bad link. */
export async function verifyAudit(person: Desk) {
  let position = CHAIN_START;
  for (;;) {
    const entries = await person.query(api.audit.console.chain, { fromSequence: position.nextSequence });
    if (entries.length === 0) return { ok: true, length: position.nextSequence, firstBadLink: null };
    const check = verifyEntries(entries, position);
    if (!check.ok) {
      return {
        ok: false,
        length: position.nextSequence,
        firstBadLink: { sequence: check.sequence, reason: check.reason },
      };
    }
    position = check.position;
  }
}

export async function list(person: Desk, what: string): Promise<{ [key: string]: JsonValue }> {
  switch (what) {
    case "datasets": {
      const rows = await person.query(api.datasets.console.list, {});
      return {
        datasets: rows.map((d) => ({
          datasetId: d._id,
          instrument: d.instrument,
          timeframe: d.timeframe,
          rows: d.rows,
          purpose: d.purpose,
          datasetHash: d.datasetHash,
          contentSha256: d.contentSha256,
        })),
      };
    }
    case "versions": {
      const rows = await person.query(api.agents.console.list, {});
      return {
        versions: rows.map((v) => ({
          versionId: v._id,
          name: v.name,
          status: v.status,
          environmentSteps: v.environmentSteps,
          artifactSha256: v.artifactSha256,
        })),
      };
    }
    case "runs": {
      const rows = await person.query(api.runs.console.list, {});
      const runs = rows.map(async (r) => {
        const { decisions, fills, equityUsd } = await runProgress(person, r);
        const netPnlUsd = equityUsd - r.initialBalanceUsd;
        return { runId: r._id, name: r.name, status: r.status, decisions, fills, netPnlUsd };
      });
      return { runs: await Promise.all(runs) };
    }
    case "series": {
      const rows = await person.query(api.market.console.listSeries, {});
      return {
        series: rows.map((s) => ({
          instrument: s.instrument,
          timeframe: s.timeframe,
          source: s.source,
          rows: s.rows,
          simulated: s.simulated,
        })),
      };
    }
    case "feeds": {
      const rows = await person.query(api.feeds.console.list, {});
      return {
        feeds: rows.map((row) => ({
          ...{ instrument: row.instrument, feed: row.feed, source: row.source },
          value: row.lastValue,
          unit: FEED_FACTS[row.feed].unit,
          sign: FEED_FACTS[row.feed].sign,
          newest: new Date(row.lastEventAtMs).toISOString(),
          ageSeconds: Math.round((systemClock.nowMs() - row.lastEventAtMs) / 1_000),
          ...{ rows: row.rows, corrections: row.revisions, gaps: row.gaps, simulated: row.simulated },
        })),
      };
    }
    default:
      throw new UsageError(`"${what}" is not known; list datasets, versions, runs, series or feeds`);
  }
}

/** A new one-time link to the running console. */
export async function signInLink(service: Desk, desk: DeskFile, role: string) {
  if (role !== "viewer" && role !== "operator" && role !== "admin") {
    throw new UsageError(`--role "${role}" is not known; use viewer, operator or admin`);
  }
  if (desk.consoleUrl === null)
    throw new CommandError("No console runs on this data folder; start one with: npm start");
  const code = randomBytes(24).toString("base64url");
  const { expiresAtMs } = await service.mutation(api.access.worker.createLink, {
    codeHash: createHash("sha256").update(code).digest("hex"),
    role,
    subject: role === "admin" ? "local:owner" : `local:${role}`,
    displayName: role === "admin" ? "Owner" : role,
  });
  return {
    url: `${desk.consoleUrl}/sign-in?code=${code}`,
    role,
    expiresAt: new Date(expiresAtMs).toISOString(),
  };
}

interface Finding {
  check: string;
  ok: boolean;
  /** False when the desk runs without it. */
  needed: boolean;
  value: string;
  fix?: string;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Looks at the machine and the folder; needs no running desk. */
export async function doctor(data: string | undefined) {
  const dataDir = dataDirOf(data);
  const desk = readDesk(dataDir);
  const findings: Finding[] = [];
  const add = (check: string, ok: boolean, value: string, fix?: string, needed = true) =>
    findings.push({ check, ok, needed, value, ...(ok || fix === undefined ? {} : { fix }) });

  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  add(
    "node",
    major > 20 || (major === 20 && minor >= 19),
    process.versions.node,
    "install Node 20.19 or newer",
  );
  for (const name of ["convex", "next", "ccxt", "classic-level", "hyparquet"]) {
    const file = join(ROOT, "node_modules", name, "package.json");
    const version = existsSync(file)
      ? (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version
      : "missing";
    add(name, version !== "missing", version, "run: npm ci");
  }
  add(
    "console build",
    existsSync(join(ROOT, ".next/BUILD_ID")),
    existsSync(join(ROOT, ".next/BUILD_ID")) ? "present" : "none yet",
    "npm start builds it",
    false,
  );
  add("desk", true, desk === null ? `none on ${dataDir}` : `process ${desk.pid}, ${desk.convexUrl}`);
  if (desk === null) {
    for (const [port, what] of [
      [3000, "console"],
      [3210, "backend"],
      [3211, "HTTP actions"],
      [3410, "exchange"],
    ] as const) {
      add(
        `port ${port}`,
        await isFree(port),
        (await isFree(port)) ? `free (${what})` : `busy (${what})`,
        "stop what uses it, or start with another port: npm start -- --help",
      );
    }
  } else {
    const response = await fetch(`${desk.convexUrl}/version`).catch(() => null);
    add(
      "backend answers",
      response?.ok === true,
      response === null ? "no answer" : `HTTP ${response.status}`,
      `look at ${dataDir}/logs/backend.log and start the desk again`,
    );
  }
  const disk = statfsSync(existsSync(dataDir) ? dataDir : ROOT);
  const freeGib = (disk.bavail * disk.bsize) / 2 ** 30;
  add("disk", freeGib > 2, `${freeGib.toFixed(1)} GiB free`, "free at least 2 GiB");
  if (desk?.exchangeUrl) {
    const sentAtMs = systemClock.nowMs();
    const answer = await fetch(`${desk.exchangeUrl}/openApi/swap/v2/server/time`).then(
      (r) => r.json(),
      () => null,
    );
    const serverMs = (answer as { data?: { serverTime?: number } } | null)?.data?.serverTime;
    const skewMs = serverMs === undefined ? Number.NaN : serverMs - (sentAtMs + systemClock.nowMs()) / 2;
    add(
      "clock against exchange",
      Math.abs(skewMs) < 5_000,
      Number.isNaN(skewMs) ? "no answer" : `${skewMs.toFixed(0)} ms`,
      "set the computer's clock (NTP)",
    );
  }
  const nowMs = systemClock.nowMs();
  add(
    "clock",
    nowMs > Date.UTC(2025, 0, 1),
    `${new Date(nowMs).toISOString()} (UTC)`,
    "set the computer's clock (NTP)",
  );
  const browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
  const browser = browsers.find((path) => existsSync(path));
  add(
    "browser for tests",
    browser !== undefined,
    browser ?? "none",
    "only npm test needs it: apt-get install chromium",
    false,
  );
  return {
    ok: findings.every((finding) => finding.ok || !finding.needed),
    dataDir,
    findings: findings.map((finding) => ({ ...finding })),
  };
}
