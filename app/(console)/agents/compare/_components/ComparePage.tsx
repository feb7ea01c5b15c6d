"use client";
import { useQueries, useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import Link from "next/link";
import { useMemo } from "react";
import { StatusChip } from "@/components/domain/chips";
import { ComparisonTable } from "@/components/domain/compare/ComparisonTable";
import { OnlyDifferences } from "@/components/domain/compare/OnlyDifferences";
import { type Compared, comparisonRows } from "@/components/domain/compare/rows";
import { readManifest } from "@/components/domain/decision/manifest";
import { errorText } from "@/components/errorText";
import { useUrlState } from "@/components/hooks/useUrlState";
import { LinkButton } from "@/components/ui/Button";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { EmptyState, ErrorState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";

type Version = FunctionReturnType<typeof api.agents.console.get>;

const MOST = 4;

/** Two to four versions side by side: recipe, data, training and judgement; only what differs, if wanted. */
export function ComparePage() {
  const { get } = useUrlState();
  const ids = [...new Set((get("ids") ?? "").split(",").filter((id) => id !== ""))].slice(0, MOST);
  const isOnlyDifferences = get("only") === "differences";
  return (
    <Page>
      <PageHeader
        title="Compare versions"
        lead="Recipe, data, costs, training and judgement side by side."
        actions={
          <>
            <OnlyDifferences />
            <LinkButton href={`/agents?compare=${ids.join(",")}`}>Choose others</LinkButton>
          </>
        }
      />
      <Panel flush>
        {ids.length < 2 ? (
          <EmptyState
            title="Choose two to four versions"
            action={<LinkButton href="/agents">To the versions</LinkButton>}
          >
            Press Compare in the rows of the versions, then open the comparison.
          </EmptyState>
        ) : (
          <Comparison ids={ids} isOnlyDifferences={isOnlyDifferences} />
        )}
      </Panel>
    </Page>
  );
}

function Comparison({ ids, isOnlyDifferences }: { ids: string[]; isOnlyDifferences: boolean }) {
  const key = ids.join(",");
  const queries = useMemo(
    () =>
      Object.fromEntries(
        key.split(",").flatMap((id) => {
          const versionId = id as Id<"agentVersions">;
          return [
            [`version ${id}`, { query: api.agents.console.get, args: { versionId } }],
            [`evaluations ${id}`, { query: api.evaluations.console.list, args: { versionId } }],
          ] as const;
        }),
      ),
    [key],
  );
  const results = useQueries(queries);
  const walkForwards = useQuery(api.walkForwards.console.list, {});
  const failed = Object.values(results).find((result) => result instanceof Error);
  if (failed !== undefined) return <ErrorState message={errorText(failed)} />;
  if (walkForwards === undefined || Object.values(results).some((result) => result === undefined)) {
    return <SkeletonRows rows={14} />;
  }
  const versions = ids.map((id) => results[`version ${id}`] as Version);
  const compared = versions.map((version): Compared => {
    const evaluations = results[`evaluations ${version._id}`] as FunctionReturnType<
      typeof api.evaluations.console.list
    >;
    return {
      version,
      manifest: readManifest(version.manifest),
      evaluation: evaluations[0] ?? null,
      walkForward:
        walkForwards.find((row) => row.versionId === version._id && row.summary !== undefined) ?? null,
    };
  });
  const all = comparisonRows(compared);
  const rows = isOnlyDifferences ? all.filter((row) => row.differs) : all;
  const datasets = [...new Set(versions.map((version) => version.datasetId))];
  return (
    <>
      {datasets.length === 2 ? (
        <p className="border-b border-line px-4 py-2.5 text-[13px] text-soft">
          They were trained on two datasets:{" "}
          <Link
            href={`/datasets/compare?ids=${datasets.join(",")}&only=differences`}
            className="underline underline-offset-4 hover:text-ink"
          >
            what differs between them
          </Link>
        </p>
      ) : null}
      <ComparisonTable
        caption="Versions side by side"
        columns={versions.map((version) => ({
          key: version._id,
          name: version.name,
          href: `/agents/${version._id}`,
          note: <StatusChip status={version.status} />,
        }))}
        rows={rows}
        sameText="These versions agree in everything that is recorded."
      />
    </>
  );
}
