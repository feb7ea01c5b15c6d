"use client";
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { Database, GitCompareArrows, Plus } from "lucide-react";
import { Age } from "@/components/domain/Age";
import { SimulatedTag, StatusChip } from "@/components/domain/chips";
import { JobProgress } from "@/components/domain/JobProgress";
import { formatBytes, formatCount, formatDay, formatPercent, shortHash } from "@/components/format";
import { useUrlState } from "@/components/hooks/useUrlState";
import { Button, LinkButton } from "@/components/ui/Button";
import { Chip } from "@/components/ui/Chip";
import { type Column, DataTable } from "@/components/ui/DataTable";
import { Dialog } from "@/components/ui/Dialog";
import { Select } from "@/components/ui/Field";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { BuildForm } from "./BuildForm";
import { DatasetDrawer } from "./DatasetDrawer";

type Dataset = FunctionReturnType<typeof api.datasets.console.list>[number];

const COLUMNS: Column<Dataset>[] = [
  {
    id: "hash",
    header: "Snapshot",
    lead: true,
    cell: (row) => (
      <span className="inline-flex flex-wrap items-center gap-2">
        <span className="font-mono text-[12px]">{shortHash(row.datasetHash)}</span>
        {row.simulated ? <SimulatedTag /> : null}
      </span>
    ),
  },
  {
    id: "what",
    header: "Bars",
    wide: true,
    cell: (row) => `${row.instrument} ${row.timeframe}, ${row.source}`,
  },
  { id: "purpose", header: "Purpose", cell: (row) => <Chip>{row.purpose}</Chip> },
  {
    id: "span",
    header: "Span",
    wide: true,
    cell: (row) => `${formatDay(row.fromMs)} to ${formatDay(row.toMs)}`,
  },
  { id: "rows", header: "Rows", numeric: true, cell: (row) => formatCount(row.rows) },
  { id: "features", header: "Features", numeric: true, cell: (row) => formatCount(row.featureCount) },
  {
    id: "coverage",
    header: "Coverage",
    numeric: true,
    cell: (row) => formatPercent(row.quality.coveragePct / 100),
  },
  { id: "quality", header: "Quality", cell: (row) => <StatusChip status={row.quality.verdict} /> },
  { id: "bytes", header: "Size", numeric: true, cell: (row) => formatBytes(row.bytes) },
  {
    id: "created",
    header: "Built",
    numeric: true,
    cell: (row) => <Age atMs={row.createdAtMs} className="text-faint" />,
  },
];

/** Where did this number come from. */
export function DatasetsPage() {
  const datasets = useQuery(api.datasets.console.list, {});
  const jobs = useQuery(api.ops.console.listJobs, {});
  const { get, set } = useUrlState();
  const purpose = get("purpose") ?? "";
  const shown = datasets?.filter((row) => purpose === "" || row.purpose === purpose);
  const newest = (shown ?? []).slice(0, 2).map((row) => row._id);
  const building = (jobs ?? []).filter(
    (job) =>
      job.kind === "datasetBuild" &&
      (job.status === "queued" || job.status === "running" || job.status === "failed"),
  );
  return (
    <Page>
      <PageHeader
        title="Datasets"
        lead="Immutable snapshots, addressed by the hash of their manifest."
        actions={
          <>
            <Select
              isBare
              data-filter
              label="Purpose"
              value={purpose}
              onChange={(value) => set({ purpose: value })}
              options={[
                { value: "", label: "All purposes" },
                { value: "training", label: "Training" },
                { value: "evaluation", label: "Evaluation" },
                { value: "feed", label: "Feeds of runs" },
              ]}
            />
            {newest.length < 2 ? null : (
              <LinkButton
                href={`/datasets/compare?ids=${newest.join(",")}&only=differences`}
                data-testid="compare-datasets"
              >
                <GitCompareArrows aria-hidden /> Compare two
              </LinkButton>
            )}
            <Button tone="primary" onClick={() => set({ build: "1" })} data-testid="build-dataset-open">
              <Plus aria-hidden /> Build a dataset
            </Button>
          </>
        }
      />
      {building.length > 0 ? (
        <Panel title="Builds">
          <ul className="flex flex-col gap-4">
            {building.slice(0, 4).map((job) => (
              <li key={job._id}>
                <JobProgress job={job} />
              </li>
            ))}
          </ul>
        </Panel>
      ) : null}
      <Panel flush>
        {shown === undefined ? <SkeletonRows rows={6} /> : null}
        {shown?.length === 0 ? (
          <EmptyState
            icon={Database}
            title={datasets?.length === 0 ? "No dataset yet" : "No dataset with this purpose"}
            command="npm run -s assay -- dataset build --instrument XAUT-USDT --timeframe 15m --from 2023-01-01 --to 2025-07-01"
          >
            A dataset is a range of stored bars with their features, frozen as a Parquet file.
          </EmptyState>
        ) : null}
        {shown !== undefined && shown.length > 0 ? (
          <DataTable
            caption="Datasets, newest first"
            columns={COLUMNS}
            rows={shown}
            rowKey={(row) => row._id}
            onOpen={(row) => set({ dataset: row._id })}
            isSelected={(row) => row._id === get("dataset")}
            rowTestId="dataset-row"
          />
        ) : null}
      </Panel>
      <Dialog
        open={get("build") !== null}
        onOpenChange={(open) => {
          if (!open) set({ build: null });
        }}
        title="Build a dataset"
      >
        <BuildForm onRequested={() => set({ build: null })} />
      </Dialog>
      <DatasetDrawer datasetId={get("dataset")} onClose={() => set({ dataset: null })} />
    </Page>
  );
}
