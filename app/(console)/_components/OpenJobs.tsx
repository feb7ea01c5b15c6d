"use client";
import { JobProgress } from "@/components/domain/JobProgress";
import { usePacedQuery } from "@/components/hooks/usePacedQuery";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";

const SHOWN = 4;

/** What a worker is busy with, and the last things it finished. */
export function OpenJobs() {
  const jobs = usePacedQuery(api.ops.console.listJobs, {});
  if (jobs === undefined) return <SkeletonRows rows={4} />;
  const isOpen = (status: string) => status === "queued" || status === "running";
  const shown = [
    ...jobs.filter((job) => isOpen(job.status)),
    ...jobs.filter((job) => !isOpen(job.status)),
  ].slice(0, SHOWN);
  if (shown.length === 0)
    return (
      <EmptyState title="No job yet">Builds, trainings and evaluations show their progress here.</EmptyState>
    );
  return (
    <ul className="flex flex-col gap-4">
      {shown.map((job) => (
        <li key={job._id}>
          <JobProgress job={job} />
        </li>
      ))}
    </ul>
  );
}
