"use client";
import { useMutation } from "convex/react";
import { ShieldAlert } from "lucide-react";
import { useState } from "react";
import { api } from "@/convex/_generated/api";
import { useRefusal } from "../providers/MemberProvider";
import { Button } from "../ui/Button";
import { ConfirmDialog } from "../ui/ConfirmDialog";
import { Age } from "./Age";
import { isActive, type RunRow } from "./runView";

/** A tripped loss limit holds the run to closing orders until a person says otherwise. */
export function BreakerNotice({ run }: { run: RunRow }) {
  const resume = useMutation(api.runs.console.resume);
  const refusal = useRefusal("operator");
  const [isAsking, setAsking] = useState(false);
  if (run.breaker === undefined) return null;
  return (
    <div
      role="alert"
      data-testid="breaker"
      className="flex flex-wrap items-center gap-x-3 gap-y-2 rounded-lg border border-bad/50 bg-bad/10 px-4 py-2.5 text-[13px]"
    >
      <ShieldAlert className="size-4 shrink-0 text-bad" aria-hidden />
      <p className="min-w-0 flex-1">
        <strong className="font-semibold text-bad">Circuit breaker open:</strong> {run.breaker.sentence}{" "}
        <span className="text-faint">
          <Age atMs={run.breaker.atMs} />
        </span>
      </p>
      {isActive(run) ? (
        <Button
          size="sm"
          disabled={refusal !== null}
          title={refusal ?? undefined}
          onClick={() => setAsking(true)}
          data-testid="breaker-resume"
        >
          Close the breaker
        </Button>
      ) : null}
      <ConfirmDialog
        open={isAsking}
        onOpenChange={setAsking}
        title={`Let ${run.name} take risk again`}
        confirmLabel="Close the breaker and resume"
        onConfirm={() => resume({ runId: run._id })}
        consequence={
          <p>
            From its next bar the run may open positions again. The limit that tripped still stands, and trips
            again while it is exceeded.
          </p>
        }
      />
    </div>
  );
}
