"use client";
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { Check, Coins } from "lucide-react";
import { Age } from "@/components/domain/Age";
import { SimulatedTag } from "@/components/domain/chips";
import { formatCount, formatDay, formatItems } from "@/components/format";
import { useUrlState } from "@/components/hooks/useUrlState";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button } from "@/components/ui/Button";
import { Chip } from "@/components/ui/Chip";
import { Hash } from "@/components/ui/CopyText";
import { DataTable } from "@/components/ui/DataTable";
import { Dialog } from "@/components/ui/Dialog";
import { Facts } from "@/components/ui/Figures";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { CostChange } from "./ChangeCosts";
import { CostModelView } from "./CostModelView";

type Head = FunctionReturnType<typeof api.costs.console.list>[number];

interface StoredModelsProps {
  instrument: string;
  inForce: string | undefined;
  onUse: (change: CostChange) => void;
}

export function StoredModels({ instrument, inForce, onUse }: StoredModelsProps) {
  const models = useQuery(api.costs.console.list, { instrument });
  const { get, set } = useUrlState();
  const refusal = useRefusal("operator");
  if (models === undefined) return <SkeletonRows rows={4} />;
  if (models.length === 0) {
    return (
      <EmptyState
        icon={Coins}
        title="No model fitted yet"
        command={`npm run -s assay -- costs fit <spreads.csv.gz> --instrument ${instrument}`}
      >
        Fit one from a file of spreads by month and hour, or later from your own fills.
      </EmptyState>
    );
  }
  const opened = get("model");
  return (
    <>
      <DataTable
        caption="Stored cost models, newest first"
        rows={models}
        rowKey={(row) => row.modelId}
        onOpen={(row) => set({ model: row.modelId })}
        rowTestId="cost-model-row"
        columns={[
          {
            id: "model",
            header: "Model",
            lead: true,
            cell: (row) => (
              <span className="inline-flex flex-wrap items-center gap-2">
                <span className="font-medium">{row.modelId}</span>
                {row.modelId === inForce ? (
                  <Chip tone="gold" icon={Check}>
                    in force
                  </Chip>
                ) : null}
                {row.source.kind === "fills" && row.source.simulated ? <SimulatedTag /> : null}
              </span>
            ),
          },
          { id: "version", header: "Version", numeric: true, cell: (row) => row.version },
          {
            id: "source",
            header: "Fitted from",
            wide: true,
            cell: (row) => <span className="break-all sm:break-normal">{sourceText(row)}</span>,
          },
          {
            id: "at",
            header: "Fitted",
            numeric: true,
            cell: (row) => <Age atMs={row.fittedAtMs} className="text-faint" />,
          },
          {
            id: "use",
            header: "Do",
            numeric: true,
            cell: (row) => (
              <Button
                size="sm"
                disabled={refusal !== null || row.modelId === inForce}
                title={refusal ?? (row.modelId === inForce ? "It is in force" : undefined)}
                onClick={(event) => {
                  event.stopPropagation();
                  onUse({ kind: "use", modelId: row.modelId });
                }}
                data-testid="costs-use"
              >
                Put in force
              </Button>
            ),
          },
        ]}
      />
      <Dialog
        kind="drawer"
        open={opened !== null}
        onOpenChange={(open) => {
          if (!open) set({ model: null });
        }}
        title={opened ?? ""}
      >
        {opened === null ? null : <ModelDetail modelId={opened} />}
      </Dialog>
    </>
  );
}

function sourceText({ source }: Head): string {
  return source.kind === "spreadFile"
    ? `${source.fileName}, ${source.fromMonth} to ${source.toMonth}`
    : `${formatItems(source.fills, "fill")} of ${formatItems(source.runs.length, "run")}, ${formatDay(source.fromMs)} to ${formatDay(source.toMs)}`;
}

function ModelDetail({ modelId }: { modelId: string }) {
  const model = useQuery(api.costs.console.get, { modelId });
  if (model === undefined) return <SkeletonRows rows={10} />;
  if (model === null) return <EmptyState title="This cost model is unknown" />;
  return (
    <div className="flex flex-col gap-4 p-4">
      <p className="text-[13px] text-soft">{model.basis}</p>
      <CostModelView model={model.model} hash={model.kind === "stored" ? model.hash : undefined} />
      {model.kind === "stored" && model.source.kind === "spreadFile" ? (
        <Facts
          rows={[
            ["File", model.source.fileName],
            ["File SHA-256", <Hash key="f" value={model.source.fileSha256} />],
            ["Rows of the file", formatCount(model.source.rows)],
            ["Bars behind the quantiles", formatCount(model.source.bars)],
            ["Prices from", model.source.priceBasis],
          ]}
        />
      ) : null}
    </div>
  );
}
