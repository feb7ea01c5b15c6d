"use client";
import { useMutation } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { Ban, RotateCw } from "lucide-react";
import { api } from "@/convex/_generated/api";
import { formatCompact, formatDay, formatDuration } from "../format";
import { useSubmit } from "../hooks/useSubmit";
import { useRefusal } from "../providers/MemberProvider";
import { Button } from "../ui/Button";
import { ProgressBar } from "../ui/Figures";
import { InlineError } from "../ui/States";
import { Elapsed } from "./Age";
import { StatusChip } from "./chips";

export type Job = FunctionReturnType<typeof api.ops.console.job>;

const KINDS: Record<Job["kind"], string> = {
  datasetBuild: "Dataset build",
  train: "Training",
  evaluate: "Evaluation",
  run: "Run",
  replay: "Decision replay",
  walkForward: "Walk-forward",
};

export function jobTitle(job: Job): string {
  const { payload } = job;
  if (payload.kind === "datasetBuild") return `${KINDS[job.kind]} ${payload.instrument} ${payload.timeframe}`;
  if (payload.kind === "evaluate") {
    return `${KINDS[job.kind]} ${formatDay(payload.fromMs)} to ${formatDay(payload.toMs)}`;
  }
  return KINDS[job.kind];
}

/** One job: stage, share done, rate, time left, and cancel or resume. */
export function JobProgress({ job, title }: { job: Job; title?: string }) {
  const { progress } = job;
  const isActive = job.status === "queued" || job.status === "running";
  const fraction = progress && progress.total > 0 ? progress.done / progress.total : 0;
  return (
    <div className="flex flex-col gap-1.5" data-testid="job" data-kind={job.kind}>
      <div className="flex flex-wrap items-center gap-2 text-[13px]">
        <span className="font-medium">{title ?? jobTitle(job)}</span>
        <StatusChip
          status={job.cancelRequested && isActive ? "pendingCancel" : job.status}
          data-testid="job-status"
        />
        <span className="ml-auto flex items-center gap-2 text-[12px] text-faint">
          <Elapsed fromMs={job.startedAtMs} toMs={job.finishedAtMs} />
          <JobControls job={job} />
        </span>
      </div>
      {isActive ? (
        <>
          <ProgressBar fraction={fraction} label={`${title ?? jobTitle(job)} progress`} />
          <p className="text-[12px] text-faint">
            {progress ? (
              <>
                {progress.stage}: {formatCompact(progress.done)} of {formatCompact(progress.total)}{" "}
                {progress.unit}, {formatCompact(progress.ratePerSecond)} {progress.unit}/s, about{" "}
                {formatDuration(progress.etaSeconds * 1000)} left
              </>
            ) : job.status === "queued" ? (
              "Waiting for a worker"
            ) : (
              "Starting"
            )}
          </p>
        </>
      ) : null}
      {job.error ? <InlineError message={job.error.message} /> : null}
    </div>
  );
}

export function JobControls({ job }: { job: Job }) {
  const cancel = useSubmit(useMutation(api.ops.console.cancelJob));
  const resume = useSubmit(useMutation(api.ops.console.resume));
  const resumeTraining = useSubmit(useMutation(api.agents.console.resumeTraining));
  const resumeWalk = useSubmit(useMutation(api.walkForwards.console.resume));
  const refusal = useRefusal("operator");
  const isActive = job.status === "queued" || job.status === "running";
  const canResume = job.status === "cancelled" || job.status === "failed";
  const { payload } = job;
  if (payload.kind === "run" || payload.kind === "replay") return null;
  return (
    <>
      {isActive ? (
        <Button
          size="sm"
          disabled={refusal !== null || job.cancelRequested}
          title={refusal ?? "The worker keeps a checkpoint and stops"}
          busy={cancel.isBusy}
          onClick={() => void cancel.submit({ jobId: job._id })}
        >
          <Ban aria-hidden /> Cancel
        </Button>
      ) : null}
      {canResume ? (
        <Button
          size="sm"
          disabled={refusal !== null}
          title={refusal ?? "Goes on from its checkpoint"}
          busy={resume.isBusy || resumeTraining.isBusy || resumeWalk.isBusy}
          onClick={() =>
            void (payload.kind === "train"
              ? resumeTraining.submit({ versionId: payload.versionId })
              : payload.kind === "walkForward"
                ? resumeWalk.submit({ walkForwardId: payload.walkForwardId })
                : resume.submit({ jobId: job._id }))
          }
        >
          <RotateCw aria-hidden /> Resume
        </Button>
      ) : null}
      <InlineError message={cancel.error ?? resume.error ?? resumeTraining.error ?? resumeWalk.error} />
    </>
  );
}
