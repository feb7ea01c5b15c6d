"use client";
import { useQuery } from "convex/react";
import { FlaskRound } from "lucide-react";
import { EvaluationTable } from "@/components/domain/EvaluationTable";
import { JobProgress } from "@/components/domain/JobProgress";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";

export function EvaluationsOfVersion({ versionId }: { versionId: Id<"agentVersions"> }) {
  const evaluations = useQuery(api.evaluations.console.list, { versionId });
  const jobs = useQuery(api.ops.console.listJobs, {});
  if (evaluations === undefined) return <SkeletonRows rows={4} />;
  const open = (jobs ?? []).filter(
    (job) =>
      job.payload.kind === "evaluate" &&
      job.payload.versionId === versionId &&
      (job.status === "queued" || job.status === "running" || job.status === "failed"),
  );
  return (
    <>
      {open.slice(0, 2).map((job) => (
        <div key={job._id} className="border-b border-line p-4">
          <JobProgress job={job} />
        </div>
      ))}
      {evaluations.length === 0 && open.length === 0 ? (
        <EmptyState icon={FlaskRound} title="Not evaluated yet">
          Judge it on bars that it has not seen, beside flat, buy-and-hold, momentum and random.
        </EmptyState>
      ) : (
        <EvaluationTable evaluations={evaluations} isCompact />
      )}
    </>
  );
}
