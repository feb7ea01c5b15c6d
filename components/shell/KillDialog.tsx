"use client";
import { useMutation, useQuery } from "convex/react";
import { useState } from "react";
import { api } from "@/convex/_generated/api";
import { cn } from "../cn";
import { CloseConsequence } from "../domain/CloseConsequence";
import { KILL_WORDS, type KillMode } from "../domain/chips";
import { useRefusal } from "../providers/MemberProvider";
import { ConfirmDialog } from "../ui/ConfirmDialog";
import { InlineError } from "../ui/States";

type EngageMode = Exclude<KillMode, "armed">;

const MODES: readonly { mode: EngageMode; effect: string }[] = [
  { mode: "noNewRisk", effect: "Positions and their stops stay; only orders that reduce a position pass." },
  {
    mode: "cancelAll",
    effect: "Open orders are cancelled at once and no new ones are made; positions stay.",
  },
  { mode: "flatten", effect: "Open orders are cancelled and every position is closed at its mark." },
];

interface KillDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

/** Engages the kill switch: choose how hard, see what it does, type the word, say why. */
export function KillDialog({ open, onOpenChange }: KillDialogProps) {
  const [mode, setMode] = useState<EngageMode>("flatten");
  const engage = useMutation(api.governance.console.engage);
  const refusal = useRefusal("operator");
  return (
    <ConfirmDialog
      open={open}
      onOpenChange={onOpenChange}
      title="Engage the kill switch"
      phrase="KILL"
      asksReason
      confirmLabel={`Engage: ${KILL_WORDS[mode]}`}
      onConfirm={(reason) => engage({ mode, reason })}
      consequence={<KillConsequence mode={mode} isOpen={open} />}
      data-testid="kill-dialog"
    >
      <InlineError message={refusal} />
      <fieldset className="flex flex-col gap-1.5">
        <legend className="sr-only">How hard to stop</legend>
        {MODES.map((choice) => (
          <label
            key={choice.mode}
            className={cn(
              "flex items-start gap-2.5 rounded-md border px-3 py-2 text-[13px]",
              mode === choice.mode ? "border-bad/60 bg-bad/5" : "border-line",
            )}
          >
            <input
              type="radio"
              name="kill-mode"
              className="mt-0.5 accent-[var(--bad)]"
              checked={mode === choice.mode}
              onChange={() => setMode(choice.mode)}
            />
            <span>
              <span className="font-medium">{KILL_WORDS[choice.mode]}</span>
              <span className="block text-[12px] text-faint">{choice.effect}</span>
            </span>
          </label>
        ))}
      </fieldset>
    </ConfirmDialog>
  );
}

/** What engaging would do to the runs that are active right now. */
function KillConsequence({ mode, isOpen }: { mode: EngageMode; isOpen: boolean }) {
  const runs = useQuery(api.runs.console.list, isOpen ? {} : "skip");
  if (runs === undefined) return <p>Reading the active runs…</p>;
  const active = runs.filter((run) => ["queued", "running", "paused"].includes(run.status));
  if (active.length === 0)
    return <p>No run is active: nothing to close. New runs are refused until an admin re-arms.</p>;
  return (
    <div className="flex flex-col gap-1.5">
      <p>
        {active.length} active {active.length === 1 ? "run" : "runs"}. Re-arming is a separate act of an
        admin.
      </p>
      <ul className="flex flex-col gap-1">
        {active.map((run) => (
          <li key={run._id}>
            <span className="text-ink">{run.name}</span>{" "}
            {mode === "flatten" ? <CloseConsequence runId={run._id} instrument={run.instrument} /> : null}
            {mode === "cancelAll" ? "loses its open order; its position and stop stay" : null}
            {mode === "noNewRisk" ? "may only reduce its position" : null}
          </li>
        ))}
      </ul>
    </div>
  );
}
