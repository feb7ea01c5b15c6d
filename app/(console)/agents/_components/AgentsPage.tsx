"use client";
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { GitCompareArrows, Plus, Sparkles } from "lucide-react";
import { useRouter } from "next/navigation";
import { Age } from "@/components/domain/Age";
import { StatusChip } from "@/components/domain/chips";
import { formatCompact, formatCount, formatNumber } from "@/components/format";
import { useUrlState } from "@/components/hooks/useUrlState";
import { Button, LinkButton } from "@/components/ui/Button";
import { Hash } from "@/components/ui/CopyText";
import { type Column, DataTable } from "@/components/ui/DataTable";
import { Dialog } from "@/components/ui/Dialog";
import { Select } from "@/components/ui/Field";
import { ProgressBar } from "@/components/ui/Figures";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { ALGORITHMS } from "@/lib/policy/algorithms";
import { TrainForm } from "./TrainForm";

type Version = FunctionReturnType<typeof api.agents.console.list>[number];

const COLUMNS: Column<Version>[] = [
  {
    id: "name",
    header: "Version",
    lead: true,
    cell: (version) => <span className="font-medium">{version.name}</span>,
  },
  { id: "status", header: "Status", cell: (version) => <StatusChip status={version.status} /> },
  { id: "market", header: "Market", cell: (version) => `${version.instrument} ${version.timeframe}` },
  {
    id: "steps",
    header: "Steps",
    numeric: true,
    cell: (version) => (
      <span className="inline-flex items-center gap-2">
        {version.status === "training" ? (
          <span className="w-16">
            <ProgressBar
              fraction={version.environmentSteps / version.stepsRequested}
              label={`${version.name} progress`}
            />
          </span>
        ) : null}
        {formatCompact(version.environmentSteps)} of {formatCompact(version.stepsRequested)}
      </span>
    ),
  },
  {
    id: "rate",
    header: "Steps/s",
    numeric: true,
    cell: (version) => (version.stepsPerSecond > 0 ? formatCount(version.stepsPerSecond) : "—"),
  },
  {
    id: "return",
    header: "Episode return",
    numeric: true,
    cell: (version) => formatNumber(version.finalMetrics.meanEpisodeReturn, 3),
  },
  { id: "seed", header: "Seed", numeric: true, cell: (version) => version.seed },
  { id: "artifact", header: "Artifact", cell: (version) => <Hash value={version.artifactSha256} /> },
  {
    id: "created",
    header: "Created",
    numeric: true,
    cell: (version) => <Age atMs={version.createdAtMs} className="text-faint" />,
  },
];

const MOST_COMPARED = 4;

/** Adds or takes a version out of those to compare; at most four. */
function compareColumn(chosen: readonly string[], onChange: (ids: string[]) => void): Column<Version> {
  return {
    id: "compare",
    header: "Compare",
    cell: (version) => {
      const isChosen = chosen.includes(version._id);
      return (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the row ignores keys from its controls already
        <label
          className="inline-flex size-6 items-center justify-center"
          onClick={(event) => event.stopPropagation()}
        >
          <input
            type="checkbox"
            className="size-4 accent-[var(--gold)]"
            aria-label={`Compare ${version.name}`}
            checked={isChosen}
            disabled={!isChosen && chosen.length >= MOST_COMPARED}
            onChange={() =>
              onChange(isChosen ? chosen.filter((id) => id !== version._id) : [...chosen, version._id])
            }
            data-testid="compare-version"
          />
        </label>
      );
    },
  };
}

/** Every training that was ever asked for, and what became of it. */
export function AgentsPage() {
  const versions = useQuery(api.agents.console.list, {});
  const router = useRouter();
  const { get, set } = useUrlState();
  const status = get("status") ?? "";
  const shown = versions?.filter((version) => status === "" || version.status === status);
  const training = get("train");
  const compared = (get("compare") ?? "").split(",").filter((id) => id !== "");
  return (
    <Page>
      <PageHeader
        title="Agents"
        lead="Each version is one training: a dataset, a seed, an artifact with its checksum."
        actions={
          <>
            <Select
              isBare
              data-filter
              label="Status"
              value={status}
              onChange={(value) => set({ status: value })}
              options={[
                { value: "", label: "All versions" },
                ...["training", "candidate", "champion", "retired", "failed", "cancelled"].map((value) => ({
                  value,
                  label: value,
                })),
              ]}
            />
            {compared.length < 2 ? null : (
              <LinkButton href={`/agents/compare?ids=${compared.join(",")}`} data-testid="compare-open">
                <GitCompareArrows aria-hidden /> Compare {compared.length} versions
              </LinkButton>
            )}
            <Button tone="primary" onClick={() => set({ train: "1" })} data-testid="train-open">
              <Plus aria-hidden /> Start a training
            </Button>
          </>
        }
      />
      <Panel flush>
        {shown === undefined ? <SkeletonRows rows={6} /> : null}
        {shown?.length === 0 ? (
          <EmptyState
            icon={Sparkles}
            title={versions?.length === 0 ? "No agent version yet" : "No version with this status"}
            command="npm run -s assay -- train --dataset <id> --algorithm ppo --steps 500000 --seed 7"
          >
            A training turns a dataset into a policy. The same dataset, seed and settings give the same
            checksum.
          </EmptyState>
        ) : null}
        {shown !== undefined && shown.length > 0 ? (
          <DataTable
            caption="Agent versions, newest first"
            columns={[...COLUMNS, compareColumn(compared, (ids) => set({ compare: ids.join(",") }))]}
            rows={shown}
            rowKey={(version) => version._id}
            onOpen={(version) => router.push(`/agents/${version._id}`)}
            rowTestId="version-row"
          />
        ) : null}
      </Panel>
      <Dialog
        open={training !== null}
        onOpenChange={(open) => {
          if (!open) set({ train: null, algorithm: null, set: null, steps: null });
        }}
        title="Start a training"
        data-testid="train-dialog"
      >
        <TrainForm
          prefill={{
            datasetId: training === "1" ? null : training,
            algorithm: ALGORITHMS.find((name) => name === get("algorithm")),
            overrides: get("set") ?? undefined,
            steps: get("steps") ?? undefined,
          }}
          onStarted={(versionId) => router.push(`/agents/${versionId}`)}
        />
      </Dialog>
    </Page>
  );
}
