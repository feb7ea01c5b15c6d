"use client";
import { useQuery } from "convex/react";
import { ListChecks } from "lucide-react";
import { useState } from "react";
import { Age } from "@/components/domain/Age";
import { StatusChip } from "@/components/domain/chips";
import { GateList } from "@/components/domain/GateList";
import { actorName, words } from "@/components/format";
import { LinkButton } from "@/components/ui/Button";
import { DataTable } from "@/components/ui/DataTable";
import { Dialog } from "@/components/ui/Dialog";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";

export function Promotions() {
  const promotions = useQuery(api.governance.console.listPromotions, {});
  const [openId, setOpenId] = useState<string | null>(null);
  if (promotions === undefined) return <SkeletonRows rows={4} />;
  if (promotions.length === 0) {
    return (
      <EmptyState icon={ListChecks} title="No promotion was asked for">
        Open an agent version and press Promote; each gate answers with its value and threshold.
      </EmptyState>
    );
  }
  const open = promotions.find((promotion) => promotion._id === openId);
  return (
    <>
      <DataTable
        caption="Promotions, newest first"
        rows={promotions}
        rowKey={(row) => row._id}
        onOpen={(row) => setOpenId(row._id)}
        columns={[
          {
            id: "version",
            header: "Version",
            lead: true,
            cell: (row) => <span className="font-medium">{row.versionName}</span>,
          },
          { id: "instrument", header: "Instrument", cell: (row) => row.instrument },
          { id: "outcome", header: "Outcome", cell: (row) => <StatusChip status={row.outcome} /> },
          {
            id: "failed",
            header: "Failing gates",
            wide: true,
            cell: (row) => {
              const failed = row.gates.filter((gate) => !gate.passed).map((gate) => words(gate.gate));
              return <span className="text-soft">{failed.length === 0 ? "none" : failed.join(", ")}</span>;
            },
          },
          { id: "actor", header: "Asked by", cell: (row) => actorName(row.actor) },
          {
            id: "at",
            header: "When",
            numeric: true,
            cell: (row) => <Age atMs={row.atMs} className="text-faint" />,
          },
        ]}
      />
      <Dialog
        kind="drawer"
        open={open !== undefined}
        onOpenChange={(isOpen) => {
          if (!isOpen) setOpenId(null);
        }}
        title={open === undefined ? "Promotion" : `Promotion of ${open.versionName}`}
      >
        {open === undefined ? null : (
          <div className="flex flex-col gap-3 p-4">
            <div className="flex flex-wrap items-center gap-2 text-[13px]">
              <StatusChip status={open.outcome} />
              <span className="text-faint">
                <Age atMs={open.atMs} /> by {actorName(open.actor)}
              </span>
              {open.evaluationId === undefined ? null : (
                <LinkButton size="sm" href={`/evaluations/${open.evaluationId}`} className="ml-auto">
                  Open evaluation
                </LinkButton>
              )}
            </div>
            {open.reason ? <p className="text-[13px] text-soft">Reason: {open.reason}</p> : null}
            <GateList gates={open.gates} />
          </div>
        )}
      </Dialog>
    </>
  );
}
