"use client";
import { useQueries, useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import Link from "next/link";
import { useMemo } from "react";
import { StatusChip } from "@/components/domain/chips";
import { type Compared, type ComparisonRow, comparisonRows } from "@/components/domain/compare/rows";
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
  const { get, set } = useUrlState();
  const ids = [...new Set((get("ids") ?? "").split(",").filter((id) => id !== ""))].slice(0, MOST);
  const isOnlyDifferences = get("only") === "differences";
  return (
    <Page>
      <PageHeader
        title="Compare versions"
        lead="Recipe, data, costs, training and judgement side by side."
        actions={
          <>
            <label className="inline-flex h-8 items-center gap-2 text-[13px]">
              <input
                type="checkbox"
                className="size-4 accent-[var(--gold)]"
                checked={isOnlyDifferences}
                onChange={(event) => set({ only: event.target.checked ? "differences" : null })}
                data-testid="only-differences"
              />
              Only differences
            </label>
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
  return <ComparisonTable versions={versions} rows={rows} />;
}

function ComparisonTable({ versions, rows }: { versions: Version[]; rows: ComparisonRow[] }) {
  return (
    <div className="overflow-x-auto">
      <table className="datatable" data-testid="comparison">
        <caption className="sr-only">Versions side by side; rows that differ are marked</caption>
        <thead>
          <tr>
            <th scope="col" className="sticky left-0 z-10">
              <span className="sr-only">Property</span>
            </th>
            {versions.map((version) => (
              <th key={version._id} scope="col" className="tracking-normal! normal-case">
                <span className="flex flex-col items-start gap-1">
                  <Link
                    href={`/agents/${version._id}`}
                    className="text-[13px] text-ink underline underline-offset-4"
                  >
                    {version.name}
                  </Link>
                  <StatusChip status={version.status} />
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <ComparisonLine
              key={`${row.section} ${row.label}`}
              row={row}
              heading={rows[index - 1]?.section === row.section ? null : row.section}
            />
          ))}
        </tbody>
      </table>
      {rows.length === 0 ? (
        <EmptyState title="No difference">These versions agree in everything that is recorded.</EmptyState>
      ) : null}
    </div>
  );
}

function ComparisonLine({ row, heading }: { row: ComparisonRow; heading: string | null }) {
  return (
    <>
      {heading === null ? null : (
        <tr>
          <th scope="rowgroup" colSpan={row.values.length + 1} className="static! bg-raised!">
            {heading}
          </th>
        </tr>
      )}
      <tr data-differs={row.differs}>
        <th
          scope="row"
          className="sticky left-0 max-w-[44vw] wrap-anywhere text-[12px]! tracking-normal! whitespace-normal! normal-case!"
        >
          {row.label}
          {row.differs ? (
            <span className="ml-1.5 text-gold" title="differs">
              <span aria-hidden>≠</span>
              <span className="sr-only">differs</span>
            </span>
          ) : null}
        </th>
        {row.values.map((value, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a column is known by its place
          <td key={index} className={row.differs ? "font-medium" : "text-soft"}>
            {value}
          </td>
        ))}
      </tr>
    </>
  );
}
