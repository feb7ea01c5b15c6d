"use client";
import { useMutation, useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { Crown, Undo2 } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { api } from "@/convex/_generated/api";
import { actorName, formatItems } from "../format";
import { useRefusal } from "../providers/MemberProvider";
import { Button } from "../ui/Button";
import { ConfirmDialog } from "../ui/ConfirmDialog";
import { DataTable } from "../ui/DataTable";
import { EmptyState, SkeletonRows } from "../ui/States";
import { Age } from "./Age";

type Champion = FunctionReturnType<typeof api.governance.console.listChampions>[number];

/** Who leads each market, and one step back. */
export function Champions() {
  const champions = useQuery(api.governance.console.listChampions, {});
  const router = useRouter();
  const refusal = useRefusal("operator");
  const [leaving, setLeaving] = useState<Champion | null>(null);
  if (champions === undefined) return <SkeletonRows rows={3} />;
  if (champions.length === 0) {
    return (
      <EmptyState icon={Crown} title="No champion yet" command="npm run -s assay -- promote --version <id>">
        Until a version passes its gates, paper runs use the newest candidate.
      </EmptyState>
    );
  }
  return (
    <>
      <DataTable
        caption="Champions by instrument"
        rows={champions}
        rowKey={(row) => row.instrument}
        onOpen={(row) => router.push(`/agents/${row.versionId}`)}
        columns={[
          {
            id: "instrument",
            header: "Instrument",
            lead: true,
            cell: (row) => <span className="font-medium">{row.instrument}</span>,
          },
          { id: "version", header: "Version", cell: (row) => row.versionName },
          { id: "by", header: "Promoted by", cell: (row) => actorName(row.promotedBy) },
          { id: "at", header: "Since", numeric: true, cell: (row) => <Age atMs={row.promotedAtMs} /> },
          {
            id: "back",
            header: "Do",
            numeric: true,
            cell: (row) => (
              <Button
                size="sm"
                disabled={refusal !== null || row.previousVersionId === undefined}
                title={
                  refusal ??
                  (row.previousVersionId === undefined
                    ? "It has no champion before it"
                    : "Puts the champion before it back; active runs follow between two bars")
                }
                onClick={(event) => {
                  event.stopPropagation();
                  setLeaving(row);
                }}
                data-testid="rollback"
              >
                <Undo2 aria-hidden /> Roll back
              </Button>
            ),
          },
        ]}
      />
      {leaving === null ? null : <RollbackDialog champion={leaving} onClose={() => setLeaving(null)} />}
    </>
  );
}

function RollbackDialog({ champion, onClose }: { champion: Champion; onClose: () => void }) {
  const rollback = useMutation(api.governance.console.rollback);
  const { instrument, versionId, versionName, previousVersionId } = champion;
  const previous = useQuery(
    api.agents.console.get,
    previousVersionId === undefined ? "skip" : { versionId: previousVersionId },
  );
  const runs = useQuery(api.runs.console.list, {});
  const following = runs?.filter(
    (run) => run.versionId === versionId && (run.status === "running" || run.status === "paused"),
  );
  return (
    <ConfirmDialog
      open
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title={`Roll back the champion of ${instrument}`}
      asksReason
      confirmLabel="Roll back"
      onConfirm={(reason) => rollback({ instrument, reason })}
      data-testid="rollback-dialog"
      consequence={
        <p>
          {versionName} is retired and {previous?.name ?? "the champion before it"} leads again, at once.{" "}
          {formatItems(following?.length, "active run")} of it follow between two bars; one that cannot follow
          is paused. There is one step back until the next promotion.
        </p>
      }
    />
  );
}
