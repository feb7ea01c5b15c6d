"use client";
import { useQuery } from "convex/react";
import Link from "next/link";
import { type Job, JobProgress } from "@/components/domain/JobProgress";
import { Panel } from "@/components/ui/Panel";
import { api } from "@/convex/_generated/api";

/** Jobs of one kind that wait or run, with cancel. */
export function JobsUnderWay({ kind }: { kind: Job["kind"] }) {
  const jobs = useQuery(api.ops.console.listJobs, {});
  const open = (jobs ?? []).filter(
    (job) => job.kind === kind && (job.status === "queued" || job.status === "running"),
  );
  if (open.length === 0) return null;
  return (
    <Panel title="Under way">
      <ul className="flex flex-col gap-4">
        {open.slice(0, 5).map((job) => (
          <li key={job._id}>
            <JobProgress job={job} />
            {job.payload.kind === "walkForward" ? (
              <Link
                href={`/evaluations/walk-forward/${job.payload.walkForwardId}`}
                className="text-[12px] text-soft underline"
              >
                Watch it
              </Link>
            ) : null}
          </li>
        ))}
      </ul>
      {open.length > 5 ? (
        <p className="mt-3 text-[12px] text-faint">
          and {open.length - 5} more, see{" "}
          <Link href="/ops" className="underline">
            jobs
          </Link>
        </p>
      ) : null}
    </Panel>
  );
}
