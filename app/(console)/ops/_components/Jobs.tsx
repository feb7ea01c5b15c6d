"use client";
import { useQuery } from "convex/react";
import { ListTodo } from "lucide-react";
import { useRouter } from "next/navigation";
import { Age, Elapsed } from "@/components/domain/Age";
import { StatusChip } from "@/components/domain/chips";
import { type Job, JobControls, jobTitle } from "@/components/domain/JobProgress";
import { actorName, formatPercent } from "@/components/format";
import { useUrlState } from "@/components/hooks/useUrlState";
import { DataTable } from "@/components/ui/DataTable";
import { Select } from "@/components/ui/Field";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";

/** Where the result of a job is to be seen. */
function placeOf({ payload, resultId }: Job): string | null {
  switch (payload.kind) {
    case "train":
      return `/agents/${payload.versionId}`;
    case "run":
      return `/runs/${payload.runId}`;
    case "replay":
      return `/decisions?decision=${payload.decisionId}`;
    case "evaluate":
      return resultId === undefined ? `/agents/${payload.versionId}` : `/evaluations/${resultId}`;
    case "walkForward":
      return `/evaluations/walk-forward/${payload.walkForwardId}`;
    case "datasetBuild":
      return resultId === undefined ? "/datasets" : `/datasets?dataset=${resultId}`;
  }
}

export function Jobs() {
  const jobs = useQuery(api.ops.console.listJobs, {});
  const router = useRouter();
  const { get, set } = useUrlState();
  const status = get("jobs") ?? "";
  if (jobs === undefined) return <SkeletonRows rows={5} />;
  const shown = jobs.filter((job) => status === "" || job.status === status);
  return (
    <>
      <div className="flex justify-end border-b border-line px-3 py-2">
        <Select
          isBare
          data-filter
          label="Status of jobs"
          value={status}
          onChange={(value) => set({ jobs: value })}
          options={[
            { value: "", label: "All jobs" },
            ...["queued", "running", "succeeded", "failed", "cancelled"].map((value) => ({
              value,
              label: value,
            })),
          ]}
        />
      </div>
      {shown.length === 0 ? (
        <EmptyState icon={ListTodo} title={jobs.length === 0 ? "No job yet" : "No job with this status"} />
      ) : (
        <DataTable
          caption="Jobs, newest first"
          rows={shown}
          rowKey={(job) => job._id}
          onOpen={(job) => {
            const place = placeOf(job);
            if (place !== null) router.push(place);
          }}
          rowTestId="job-row"
          maxHeight="420px"
          columns={[
            {
              id: "kind",
              header: "Job",
              lead: true,
              cell: (job) => <span className="font-medium">{jobTitle(job)}</span>,
            },
            { id: "status", header: "Status", cell: (job) => <StatusChip status={job.status} /> },
            {
              id: "progress",
              header: "Progress",
              numeric: true,
              cell: (job) =>
                job.status === "succeeded" ? (
                  "done"
                ) : job.progress && job.progress.total > 0 ? (
                  formatPercent(job.progress.done / job.progress.total, 0)
                ) : (
                  <span className="text-faint">—</span>
                ),
            },
            {
              id: "took",
              header: "Took",
              numeric: true,
              cell: (job) => <Elapsed fromMs={job.startedAtMs} toMs={job.finishedAtMs} />,
            },
            { id: "attempts", header: "Attempts", numeric: true, cell: (job) => job.attempts },
            {
              id: "by",
              header: "Asked by",
              cell: (job) => <span className="text-soft">{actorName(job.requestedBy)}</span>,
            },
            {
              id: "error",
              header: "Error",
              wide: true,
              className: "sm:max-w-[280px] sm:truncate",
              cell: (job) =>
                job.error ? (
                  <span className="text-bad" title={job.error.message}>
                    {job.error.message}
                  </span>
                ) : (
                  <span className="text-faint">none</span>
                ),
            },
            {
              id: "created",
              header: "Created",
              numeric: true,
              cell: (job) => <Age atMs={job.createdAtMs} className="text-faint" />,
            },
            {
              id: "controls",
              header: "Do",
              numeric: true,
              cell: (job) => (
                // biome-ignore lint/a11y/noStaticElementInteractions: keeps a press on the control from opening the row
                // biome-ignore lint/a11y/useKeyWithClickEvents: the row ignores keys from its controls already
                <span onClick={(event) => event.stopPropagation()}>
                  <JobControls job={job} />
                </span>
              ),
            },
          ]}
        />
      )}
    </>
  );
}
