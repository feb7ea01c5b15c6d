"use client";
import { useQuery } from "convex/react";
import { TriangleAlert } from "lucide-react";
import Link from "next/link";
import { KILL_WORDS } from "@/components/domain/chips";
import { useGatewayHolds } from "@/components/domain/GatewayNotice";
import { jobTitle } from "@/components/domain/JobProgress";
import { isActive, type RunRow } from "@/components/domain/runView";
import { formatDuration } from "@/components/format";
import { usePacedQuery } from "@/components/hooks/usePacedQuery";
import { useNow } from "@/components/providers/clock";
import { api } from "@/convex/_generated/api";
import { LIMITS } from "@/lib/contract/limits";

const RECENT_MS = 24 * 3_600_000;
const SHOWN = 5;

interface Matter {
  id: string;
  text: string;
  href: string;
}

/** What waits for a person: nothing is shown when nothing does. */
export function Attention({ runs }: { runs: readonly RunRow[] }) {
  const kill = useQuery(api.governance.console.killSwitch, {});
  const workers = useQuery(api.ops.console.listWorkers, {});
  const jobs = usePacedQuery(api.ops.console.listJobs, {});
  const drift = useQuery(api.drift.console.alerts, { openOnly: true });
  const holds = useGatewayHolds();
  const now = useNow();
  if (kill === undefined || workers === undefined || jobs === undefined || now === null) return null;
  const matters: Matter[] = [];
  if (kill.mode !== "armed") {
    matters.push({
      id: "kill",
      text: `The kill switch is engaged (${KILL_WORDS[kill.mode]}): ${kill.reason}`,
      href: "/governance",
    });
  }
  const heartbeatMs = workers[0]?.lastHeartbeatMs;
  if (heartbeatMs === undefined || now - heartbeatMs > LIMITS.workerStaleMs) {
    matters.push({ id: "worker", text: "No worker is alive: jobs wait and runs stand still", href: "/ops" });
  }
  for (const hold of holds) {
    const text = `Exchange ${hold.source} refuses calls for another ${formatDuration(hold.untilMs - now)}: bars wait`;
    matters.push({ id: `hold ${hold.source}`, text, href: "/market" });
  }
  for (const run of runs) {
    if (isActive(run) && run.breaker !== undefined) {
      matters.push({ id: run._id, text: `${run.name}: ${run.breaker.sentence}`, href: `/runs/${run._id}` });
    }
  }
  for (const alert of drift ?? []) {
    matters.push({
      id: alert._id,
      text: `${alert.versionName} drifts: ${alert.sentence} ${alert.actionSentence}`,
      href: "/learning?view=drift",
    });
  }
  for (const job of jobs) {
    if (job.status === "failed" && now - job.createdAtMs < RECENT_MS) {
      const cause = job.error?.message ?? "no cause recorded";
      matters.push({ id: job._id, text: `${jobTitle(job)} failed: ${cause}`, href: "/ops?jobs=failed" });
    }
  }
  if (matters.length === 0) return null;
  return (
    <section
      aria-label="Waiting for you"
      data-testid="attention"
      className="rounded-lg border border-warn/45 bg-warn/8"
    >
      <h2 className="flex items-center gap-2 px-4 pt-2.5 text-[13px] font-semibold text-warn">
        <TriangleAlert className="size-4" aria-hidden /> Waiting for you
      </h2>
      <ul className="px-2 pt-1 pb-2">
        {matters.slice(0, SHOWN).map((matter) => (
          <li key={matter.id}>
            <Link
              href={matter.href}
              className="block rounded px-2 py-1 text-[13px] break-words hover:bg-warn/10"
            >
              {matter.text}
            </Link>
          </li>
        ))}
        {matters.length > SHOWN ? (
          <li className="px-2 py-1 text-[12px] text-faint">and {matters.length - SHOWN} more on Ops</li>
        ) : null}
      </ul>
    </section>
  );
}
