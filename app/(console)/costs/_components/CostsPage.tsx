"use client";
import { useQuery } from "convex/react";
import { Undo2 } from "lucide-react";
import { useState } from "react";
import { Age } from "@/components/domain/Age";
import { actorName } from "@/components/format";
import { useUrlState } from "@/components/hooks/useUrlState";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button } from "@/components/ui/Button";
import { Chip } from "@/components/ui/Chip";
import { Hash } from "@/components/ui/CopyText";
import { DataTable } from "@/components/ui/DataTable";
import { Select } from "@/components/ui/Field";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { INSTRUMENTS } from "@/lib/market/instruments";
import { ChangeCosts, type CostChange } from "./ChangeCosts";
import { CostModelView } from "./CostModelView";
import { StoredModels } from "./StoredModels";

/** What a fill costs, where that number comes from, and since when it is charged. */
export function CostsPage() {
  const { get, set } = useUrlState();
  const instrument = INSTRUMENTS.find(({ symbol }) => symbol === get("instrument")) ?? INSTRUMENTS[0]!;
  const { symbol } = instrument;
  const current = useQuery(api.costs.console.current, { instrument: symbol });
  const refusal = useRefusal("operator");
  const [change, setChange] = useState<CostChange | null>(null);
  const newest = current?.history[0];
  return (
    <Page>
      <PageHeader
        title="Execution costs"
        lead="What a fill costs. Trainings from now on are charged the table in force."
        actions={
          <>
            <Select
              isBare
              data-filter
              label="Instrument"
              value={symbol}
              onChange={(value) => set({ instrument: value, model: null })}
              options={INSTRUMENTS.map((row) => ({
                value: row.symbol,
                label: `${row.symbol}, ${row.displayName}`,
              }))}
            />
            <Button
              disabled={refusal !== null || newest === undefined}
              title={refusal ?? (newest === undefined ? "Nothing was put in force yet" : undefined)}
              onClick={() => setChange({ kind: "rollback" })}
              data-testid="costs-rollback"
            >
              <Undo2 aria-hidden /> Roll back
            </Button>
          </>
        }
      />
      {current === undefined ? (
        <Panel>
          <SkeletonRows rows={8} />
        </Panel>
      ) : (
        <Panel
          title={
            <span className="inline-flex flex-wrap items-center gap-2">
              In force: {current.modelId}
              <Chip tone={current.isMeasured ? "ok" : "warn"}>
                {current.isMeasured ? "measured" : "assumed"}
              </Chip>
            </span>
          }
          hint={
            newest === undefined ? (
              "ships with the desk; nobody has put another in force"
            ) : (
              <>
                since <Age atMs={newest.atMs} />, {actorName(newest.actor)}: {newest.reason}
              </>
            )
          }
          data-testid="costs-in-force"
        >
          <CostModelView model={current.model} hash={current.hash} />
        </Panel>
      )}
      <Panel
        flush
        title="Stored models"
        hint="fitted from a spread file or from our own fills; they never change"
      >
        <StoredModels instrument={symbol} inForce={current?.modelId} onUse={setChange} />
      </Panel>
      <Panel flush title="Choices" hint="newest first; none can be taken out">
        {current === undefined ? <SkeletonRows rows={3} /> : null}
        {current?.history.length === 0 ? (
          <EmptyState title="Never chosen">
            The shipped model is charged until one is put in force.
          </EmptyState>
        ) : null}
        {current !== undefined && current.history.length > 0 ? (
          <DataTable
            caption="Choices of the cost model, newest first"
            rows={current.history}
            rowKey={(row) => String(row.sequence)}
            columns={[
              {
                id: "model",
                header: "Model",
                lead: true,
                cell: (row) => <span className="font-medium">{row.modelId}</span>,
              },
              {
                id: "kind",
                header: "Act",
                cell: (row) => (row.kind === "rollback" ? "Rolled back to" : "Put in force"),
              },
              { id: "reason", header: "Reason", wide: true, cell: (row) => row.reason },
              { id: "by", header: "By", cell: (row) => actorName(row.actor) },
              { id: "hash", header: "Hash", cell: (row) => <Hash value={row.hash} /> },
              {
                id: "at",
                header: "When",
                numeric: true,
                cell: (row) => <Age atMs={row.atMs} className="text-faint" />,
              },
            ]}
          />
        ) : null}
      </Panel>
      {change === null ? null : (
        <ChangeCosts
          instrument={symbol}
          inForce={current?.modelId ?? ""}
          change={change}
          onClose={() => setChange(null)}
        />
      )}
    </Page>
  );
}
