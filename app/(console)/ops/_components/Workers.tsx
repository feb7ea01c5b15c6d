"use client";
import { useQuery } from "convex/react";
import { Cpu, HeartPulse, TriangleAlert } from "lucide-react";
import { Age } from "@/components/domain/Age";
import { formatCount } from "@/components/format";
import { useNow } from "@/components/providers/clock";
import { Chip } from "@/components/ui/Chip";
import { DataTable } from "@/components/ui/DataTable";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { LIMITS } from "@/lib/contract/limits";

export function Workers() {
  const workers = useQuery(api.ops.console.listWorkers, {});
  const serverMs = useQuery(api.ops.console.serverClock, {});
  const now = useNow();
  if (workers === undefined) return <SkeletonRows rows={2} />;
  if (workers.length === 0) {
    return (
      <EmptyState icon={Cpu} title="No worker has reported" command="npm run -s worker">
        Without a worker nothing is built, trained, evaluated or run.
      </EmptyState>
    );
  }
  return (
    <>
      <DataTable
        caption="Workers"
        rows={workers}
        rowKey={(worker) => worker.workerId}
        columns={[
          {
            id: "id",
            header: "Worker",
            lead: true,
            cell: (worker) => <span className="font-medium">{worker.workerId}</span>,
          },
          {
            id: "state",
            header: "State",
            cell: (worker) =>
              now !== null && now - worker.lastHeartbeatMs > LIMITS.workerStaleMs ? (
                <Chip tone="warn" icon={TriangleAlert}>
                  Lost
                </Chip>
              ) : (
                <Chip tone="ok" icon={HeartPulse}>
                  Alive
                </Chip>
              ),
          },
          {
            id: "beat",
            header: "Heartbeat",
            numeric: true,
            cell: (worker) => <Age atMs={worker.lastHeartbeatMs} staleAfterMs={LIMITS.workerStaleMs} />,
          },
          {
            id: "jobs",
            header: "Active jobs",
            numeric: true,
            cell: (worker) => formatCount(worker.activeJobs),
          },
          { id: "version", header: "Version", cell: (worker) => worker.version },
          {
            id: "started",
            header: "Started",
            numeric: true,
            cell: (worker) => <Age atMs={worker.startedAtMs} className="text-faint" />,
          },
        ]}
      />
      <p className="border-t border-line px-4 py-2 text-[12px] text-faint">
        Server clock: last tick <Age atMs={serverMs ?? null} staleAfterMs={30_000} />
      </p>
    </>
  );
}
