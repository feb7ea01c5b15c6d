"use client";
import { useMutation } from "convex/react";
import { Pause, Play, Square } from "lucide-react";
import { useState } from "react";
import { api } from "@/convex/_generated/api";
import { useSubmit } from "../hooks/useSubmit";
import { useRefusal } from "../providers/MemberProvider";
import { Button } from "../ui/Button";
import { ConfirmDialog } from "../ui/ConfirmDialog";
import { InlineError } from "../ui/States";
import { CloseConsequence } from "./CloseConsequence";
import { isActive, type RunRow } from "./runView";

/** Pause keeps the position and its stop; stop closes it, after saying at what price and cost. */
export function RunControls({ run }: { run: RunRow }) {
  const pause = useSubmit(useMutation(api.runs.console.pause));
  const resume = useSubmit(useMutation(api.runs.console.resume));
  const stop = useMutation(api.runs.console.stop);
  const refusal = useRefusal("operator");
  const [isStopping, setStopping] = useState(false);
  if (!isActive(run)) return null;
  const isPaused = run.desired === "paused";
  const runId = run._id;
  return (
    <>
      <InlineError message={pause.error ?? resume.error} />
      {isPaused ? (
        <Button
          disabled={refusal !== null}
          title={refusal ?? undefined}
          busy={resume.isBusy}
          onClick={() => void resume.submit({ runId })}
          data-testid="run-resume"
        >
          <Play aria-hidden /> Resume
        </Button>
      ) : (
        <Button
          disabled={refusal !== null}
          title={refusal ?? "No new decisions; the position and its stop stay"}
          busy={pause.isBusy}
          onClick={() => void pause.submit({ runId })}
          data-testid="run-pause"
        >
          <Pause aria-hidden /> Pause
        </Button>
      )}
      <Button
        tone="danger"
        disabled={refusal !== null}
        title={refusal ?? undefined}
        onClick={() => setStopping(true)}
        data-testid="run-stop"
      >
        <Square aria-hidden /> Stop
      </Button>
      <ConfirmDialog
        open={isStopping}
        onOpenChange={setStopping}
        title={`Stop ${run.name}`}
        confirmLabel="Stop the run"
        onConfirm={() => stop({ runId })}
        data-testid="stop-dialog"
        consequence={
          <p>
            The run ends now and cannot go on. It{" "}
            {isStopping ? <CloseConsequence runId={runId} instrument={run.instrument} /> : null}.
          </p>
        }
      />
    </>
  );
}
