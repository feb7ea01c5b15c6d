"use client";
import { useMutation, useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { CheckCircle2, RotateCw, ShieldX, XCircle } from "lucide-react";
import { useState } from "react";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { useSubmit } from "../../hooks/useSubmit";
import { Button } from "../../ui/Button";
import { InlineError } from "../../ui/States";
import { Age } from "../Age";

type Replay = NonNullable<FunctionReturnType<typeof api.decisions.console.latestReplay>>;

/** Recomputes the decision from its provenance on a worker and says whether every bit agrees. */
export function ReplayCheck({ decisionId }: { decisionId: Id<"decisions"> }) {
  const latest = useQuery(api.decisions.console.latestReplay, { decisionId });
  const request = useSubmit(useMutation(api.decisions.console.requestReplay));
  const [jobId, setJobId] = useState<Id<"jobs"> | null>(null);
  const job = useQuery(api.ops.console.job, jobId === null ? "skip" : { jobId });
  const isWaiting = job !== undefined && (job.status === "queued" || job.status === "running");
  const failure =
    job?.status === "failed" ? (job.error?.message ?? "The replay failed; look at the worker's log") : null;
  return (
    <div className="flex flex-col gap-2.5 rounded-lg border border-line bg-raised/60 p-3">
      <div className="flex flex-wrap items-center gap-3">
        <Button
          tone="primary"
          size="sm"
          busy={request.isBusy || isWaiting}
          onClick={async () => {
            const id = await request.submit({ decisionId });
            if (id !== undefined) setJobId(id);
          }}
          data-testid="replay-button"
        >
          {request.isBusy || isWaiting ? null : <RotateCw aria-hidden />} Replay
        </Button>
        <p className="min-w-0 flex-1 text-[12px] text-faint" aria-live="polite">
          {isWaiting
            ? job.status === "queued"
              ? "Waiting for a worker"
              : "Recomputing from the stored bars, features and artifact"
            : "Recompute this decision from its provenance and compare every bit."}
        </p>
      </div>
      <InlineError message={request.error ?? failure} />
      {latest !== undefined && latest !== null && !isWaiting ? <ReplayResult replay={latest} /> : null}
    </div>
  );
}

function ReplayResult({ replay }: { replay: Replay }) {
  const state = replay.refused !== undefined ? "refused" : replay.identical ? "identical" : "different";
  return (
    <div data-testid="replay-result" data-result={state} className="flex flex-col gap-1.5 text-[13px]">
      <p className="flex flex-wrap items-center gap-1.5 font-medium">
        {state === "identical" ? (
          <span className="inline-flex items-center gap-1.5 text-ok">
            <CheckCircle2 className="size-4" aria-hidden /> identical
          </span>
        ) : null}
        {state === "different" ? (
          <span className="inline-flex items-center gap-1.5 text-bad">
            <XCircle className="size-4" aria-hidden /> {replay.differences.length} fields differ
          </span>
        ) : null}
        {state === "refused" ? (
          <span className="inline-flex items-center gap-1.5 text-bad">
            <ShieldX className="size-4" aria-hidden /> refused
          </span>
        ) : null}
        <span className="text-[12px] font-normal text-faint">
          <Age atMs={replay.atMs} />
        </span>
      </p>
      {replay.refused ? <p className="text-soft">{replay.refused}</p> : null}
      {replay.differences.length > 0 ? (
        <ul className="flex flex-col gap-1 font-mono text-[12px]">
          {replay.differences.slice(0, 6).map((difference) => (
            <li key={difference.field} className="break-all">
              <span className="text-ink">{difference.field}</span>: recorded {difference.expected}, recomputed{" "}
              {difference.actual}
            </li>
          ))}
        </ul>
      ) : null}
      {replay.checks.length > 0 ? (
        <ul className="flex flex-col gap-0.5 text-[12px] text-soft">
          {replay.checks.map((check) => (
            <li key={check} className="flex items-start gap-1.5">
              <CheckCircle2 className="mt-0.5 size-3 shrink-0 text-ok" aria-hidden />
              {check}
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  );
}
