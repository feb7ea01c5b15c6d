"use client";
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { useEffect, useState } from "react";
import { SimulatedTag } from "@/components/domain/chips";
import { ComparisonTable } from "@/components/domain/compare/ComparisonTable";
import { OnlyDifferences } from "@/components/domain/compare/OnlyDifferences";
import { type ColumnStatistics, readColumnStatistics } from "@/components/domain/datasets/columnStatistics";
import { datasetRows } from "@/components/domain/datasets/rows";
import { errorText } from "@/components/errorText";
import { formatDay, shortHash } from "@/components/format";
import { useUrlState } from "@/components/hooks/useUrlState";
import { LinkButton } from "@/components/ui/Button";
import { ExportButtons } from "@/components/ui/ExportButtons";
import { Select } from "@/components/ui/Field";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { EmptyState, InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import type { DatasetManifestCore } from "@/lib/dataset/types";

type Dataset = FunctionReturnType<typeof api.datasets.console.get>;
type Listed = FunctionReturnType<typeof api.datasets.console.list>[number];

const nameOf = (row: Listed | Dataset) =>
  `${row.instrument} ${row.timeframe}, ${formatDay(row.fromMs)} to ${formatDay(row.toMs)}`;

/** Two datasets side by side: what they are, which bars they came from, what their columns hold. */
export function CompareDatasetsPage() {
  const { get, set } = useUrlState();
  const datasets = useQuery(api.datasets.console.list, {});
  const [left, right] = (get("ids") ?? "").split(",");
  const picker = (label: string, value: string | undefined, ids: (id: string) => string) => (
    <Select
      isBare
      label={label}
      value={value ?? ""}
      onChange={(id) => set({ ids: ids(id) })}
      options={[
        { value: "", label: `${label}: choose` },
        ...(datasets ?? []).map((row) => ({
          value: row._id as string,
          label: `${nameOf(row)}, ${row.featureSetId}, ${shortHash(row.datasetHash)}`,
        })),
      ]}
    />
  );
  return (
    <Page>
      <PageHeader
        title="Compare datasets"
        lead="Specification, range, rows, source chunks and columns side by side."
        actions={
          <>
            {picker("First dataset", left, (id) => `${id},${right ?? ""}`)}
            {picker("Second dataset", right, (id) => `${left ?? ""},${id}`)}
            <OnlyDifferences />
            <LinkButton href="/datasets">All datasets</LinkButton>
          </>
        }
      />
      {left && right ? (
        <Comparison key={`${left},${right}`} left={left} right={right} />
      ) : (
        <Panel>
          <EmptyState title="Choose two datasets">
            Choose them above, or press Compare in the panel of a dataset.
          </EmptyState>
        </Panel>
      )}
    </Page>
  );
}

/** The statistics of both files, read once; datasets never change. */
function useStatistics(datasets: (Dataset | undefined)[]) {
  const [read, setRead] = useState<{ columns: (ColumnStatistics[] | null)[]; error: string | null }>({
    columns: datasets.map(() => null),
    error: null,
  });
  const isHere = datasets.every((dataset) => dataset !== undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a dataset of an id is always the same
  useEffect(() => {
    if (!isHere) return;
    let isStale = false;
    const files = datasets.map((dataset) => {
      if (dataset!.url === null)
        return Promise.reject(new Error("The file of a dataset is not stored any more"));
      return readColumnStatistics(dataset!.url, dataset!.bytes);
    });
    Promise.all(files).then(
      (columns) => {
        if (!isStale) setRead({ columns, error: null });
      },
      (error: unknown) => {
        if (!isStale) setRead({ columns: datasets.map(() => null), error: errorText(error) });
      },
    );
    return () => {
      isStale = true;
    };
  }, [isHere]);
  return read;
}

function Comparison({ left, right }: { left: string; right: string }) {
  const { get } = useUrlState();
  const first = useQuery(api.datasets.console.get, { datasetId: left as Id<"datasets"> });
  const second = useQuery(api.datasets.console.get, { datasetId: right as Id<"datasets"> });
  const { columns, error } = useStatistics([first, second]);
  if (first === undefined || second === undefined) return <SkeletonRows rows={14} />;
  const both = [first, second];
  const all = datasetRows(
    both.map((dataset, i) => ({
      ...dataset,
      manifest: dataset.manifest === "" ? null : (JSON.parse(dataset.manifest) as DatasetManifestCore),
      columns: columns[i] ?? null,
    })),
  );
  const rows = get("only") === "differences" ? all.filter((row) => row.differs) : all;
  const isSame = first.contentSha256 === second.contentSha256;
  const isReading = error === null && columns.includes(null);
  return (
    <Panel
      flush
      title={isSame ? "The rows are the same, bit for bit" : "The rows differ"}
      hint={isReading ? "reading the columns…" : undefined}
      actions={<ExportButtons name={`datasets-${shortHash(left)}-${shortHash(right)}`} rows={rows} />}
    >
      {error === null ? null : (
        <div className="px-4 py-2.5">
          <InlineError message={`Columns cannot be compared: ${error}`} />
        </div>
      )}
      <ComparisonTable
        caption="Datasets side by side"
        columns={both.map((dataset, i) => ({
          key: `${i} ${dataset._id}`,
          name: nameOf(dataset),
          href: `/datasets?dataset=${dataset._id}`,
          note: (
            <span className="inline-flex items-center gap-2 font-mono text-[12px] text-soft">
              {shortHash(dataset.datasetHash)}
              {dataset.simulated ? <SimulatedTag /> : null}
            </span>
          ),
        }))}
        rows={rows}
        sameText="These datasets agree in everything that is recorded of them."
      />
    </Panel>
  );
}
