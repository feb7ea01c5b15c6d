"use client";
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { Download } from "lucide-react";
import { useState } from "react";
import { Age, Elapsed } from "@/components/domain/Age";
import { StatusChip } from "@/components/domain/chips";
import { formatCount } from "@/components/format";
import { useUrlState } from "@/components/hooks/useUrlState";
import { DataTable } from "@/components/ui/DataTable";
import { Dialog } from "@/components/ui/Dialog";
import { Select } from "@/components/ui/Field";
import { Facts } from "@/components/ui/Figures";
import { EmptyState, InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";

type Ingestion = FunctionReturnType<typeof api.market.console.listIngestionRuns>[number];

/** What came in, what was refused and why. */
export function IngestionTable() {
  const runs = useQuery(api.market.console.listIngestionRuns, {});
  const [openId, setOpenId] = useState<string | null>(null);
  const { get, set } = useUrlState();
  const trigger = get("trigger") ?? "";
  if (runs === undefined) return <SkeletonRows rows={5} />;
  if (runs.length === 0) return <EmptyState icon={Download} title="Nothing has been ingested yet" />;
  const open = runs.find((run) => run._id === openId);
  const shown = runs.filter((run) => trigger === "" || run.trigger === trigger);
  return (
    <>
      <div className="flex justify-end border-b border-line px-3 py-2">
        <Select
          isBare
          label="Trigger"
          value={trigger}
          onChange={(value) => set({ trigger: value })}
          options={[
            { value: "", label: "Every trigger" },
            ...[...new Set(runs.map((run) => run.trigger))].map((value) => ({ value, label: value })),
          ]}
        />
      </div>
      <DataTable
        caption="Ingestion runs, newest first"
        rows={shown}
        rowKey={(run) => run._id}
        onOpen={(run) => setOpenId(run._id)}
        maxHeight="420px"
        columns={[
          {
            id: "series",
            header: "Series",
            lead: true,
            cell: (run) => (
              <span>
                <span className="font-medium">
                  {run.instrument} {run.timeframe}
                </span>{" "}
                <span className="text-faint">{run.fileName ?? run.source}</span>
              </span>
            ),
          },
          { id: "status", header: "Status", cell: (run) => <StatusChip status={run.status} /> },
          {
            id: "trigger",
            header: "Trigger",
            cell: (run) => <span className="text-soft">{run.trigger}</span>,
          },
          { id: "read", header: "Read", numeric: true, cell: (run) => formatCount(run.rowsRead) },
          { id: "added", header: "Added", numeric: true, cell: (run) => formatCount(run.rowsAdded) },
          { id: "same", header: "Unchanged", numeric: true, cell: (run) => formatCount(run.rowsUnchanged) },
          { id: "revised", header: "Revised", numeric: true, cell: (run) => formatCount(run.rowsRevised) },
          {
            id: "rejected",
            header: "Rejected",
            numeric: true,
            cell: (run) => (
              <span className={run.rowsRejected > 0 ? "text-warn" : undefined}>
                {formatCount(run.rowsRejected)}
              </span>
            ),
          },
          { id: "gaps", header: "Gaps", numeric: true, cell: (run) => formatCount(run.gaps) },
          {
            id: "started",
            header: "Started",
            numeric: true,
            cell: (run) => <Age atMs={run.startedAtMs} className="text-faint" />,
          },
        ]}
      />
      <Dialog
        kind="drawer"
        open={open !== undefined}
        onOpenChange={(isOpen) => {
          if (!isOpen) setOpenId(null);
        }}
        title="Ingestion"
      >
        {open === undefined ? null : <IngestionDetail run={open} />}
      </Dialog>
    </>
  );
}

function IngestionDetail({ run }: { run: Ingestion }) {
  return (
    <div className="flex flex-col gap-4 p-4">
      <InlineError message={run.error ?? null} />
      <Facts
        rows={[
          ["Series", `${run.instrument} ${run.timeframe}, ${run.source}`],
          ["File", run.fileName ?? "none"],
          ["Took", <Elapsed key="took" fromMs={run.startedAtMs} toMs={run.finishedAtMs} />],
          ["Rows read", formatCount(run.rowsRead)],
          ["Rows added", formatCount(run.rowsAdded)],
          ["Rows rejected", formatCount(run.rowsRejected)],
        ]}
      />
      <h3 className="eyebrow">Rejected lines</h3>
      {run.rejects.length === 0 ? (
        <p className="text-[13px] text-soft">None: every line was sound.</p>
      ) : (
        <ul className="flex flex-col gap-2 text-[13px]">
          {run.rejects.map((reject) => (
            <li key={reject.line}>
              <span className="font-medium">Line {formatCount(reject.line)}:</span> {reject.reason}
              <code className="block truncate font-mono text-[12px] text-faint">{reject.text}</code>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
