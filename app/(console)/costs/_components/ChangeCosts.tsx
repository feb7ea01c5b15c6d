"use client";
import { useMutation } from "convex/react";
import { ConfirmDialog } from "@/components/ui/ConfirmDialog";
import { api } from "@/convex/_generated/api";

export type CostChange = { kind: "use"; modelId: string } | { kind: "rollback" };

interface ChangeCostsProps {
  instrument: string;
  inForce: string;
  change: CostChange;
  onClose: () => void;
}

/** Both acts take a reason and are in the audit log; neither touches what was trained before. */
export function ChangeCosts({ instrument, inForce, change, onClose }: ChangeCostsProps) {
  const use = useMutation(api.costs.console.use);
  const rollback = useMutation(api.costs.console.rollback);
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={change.kind === "use" ? "Put this cost model in force" : "Roll the cost model back"}
      asksReason
      tone="primary"
      confirmLabel={change.kind === "use" ? "Put in force" : "Roll back"}
      onConfirm={(reason) =>
        change.kind === "use"
          ? use({ instrument, modelId: change.modelId, reason })
          : rollback({ instrument, reason })
      }
      data-testid="costs-dialog"
      consequence={
        <p className="break-words">
          {change.kind === "use"
            ? `${instrument} is charged by ${change.modelId} instead of ${inForce}`
            : `${inForce} is taken back and the model chosen before it is charged`}{" "}
          in every training requested from now on. Versions and runs that exist keep the costs they were made
          with.
        </p>
      }
    />
  );
}
