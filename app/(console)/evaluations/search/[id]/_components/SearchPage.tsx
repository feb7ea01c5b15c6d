"use client";
import { useMutation, useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { Ban, Play, Sparkles } from "lucide-react";
import { StatusChip } from "@/components/domain/chips";
import { showHyperparameter, showOverrides } from "@/components/domain/walkForward/view";
import { formatCompact, formatCount, formatItems, formatNumber } from "@/components/format";
import { useSubmit } from "@/components/hooks/useSubmit";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button, LinkButton } from "@/components/ui/Button";
import { Hash } from "@/components/ui/CopyText";
import { ExportButtons } from "@/components/ui/ExportButtons";
import { Facts, ProgressBar } from "@/components/ui/Figures";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { ParallelView } from "./ParallelView";
import { Trials } from "./Trials";

export type Search = FunctionReturnType<typeof api.searches.console.get>;

/** Which configuration holds up when it is trained longer, and what it cost in trials to find out. */
export function SearchPage({ searchId }: { searchId: Id<"searches"> }) {
  const search = useQuery(api.searches.console.get, { searchId });
  const cancel = useSubmit(useMutation(api.searches.console.cancel));
  const resume = useSubmit(useMutation(api.searches.console.resume));
  const refusal = useRefusal("operator");
  if (search === undefined) return <SkeletonRows rows={12} />;
  const { best } = search;
  return (
    <Page>
      <PageHeader
        title={
          <span className="inline-flex flex-wrap items-center gap-2.5">
            Search of {search.algorithm.toUpperCase()} on {search.instrument} {search.timeframe}
            <StatusChip status={search.status} data-testid="search-status" />
          </span>
        }
        lead={`${search.ranges.map(({ name }) => name).join(", ")}; ${formatItems(search.trials.length, "trial")} so far`}
        actions={
          search.status === "running" ? (
            <Button
              disabled={refusal !== null}
              title={refusal ?? "Trials that were begun stay counted"}
              busy={cancel.isBusy}
              onClick={() => void cancel.submit({ searchId })}
              data-testid="search-cancel"
            >
              <Ban aria-hidden /> Cancel
            </Button>
          ) : search.status === "cancelled" ? (
            <Button
              disabled={refusal !== null}
              title={refusal ?? "Stopped trials go on with the folds they have"}
              busy={resume.isBusy}
              onClick={() => void resume.submit({ searchId })}
              data-testid="search-resume"
            >
              <Play aria-hidden /> Resume
            </Button>
          ) : null
        }
      />
      <InlineError message={cancel.error ?? resume.error ?? search.error ?? null} />
      <div className="grid min-w-0 grid-cols-1 items-start gap-4 xl:grid-cols-2">
        <Panel title="Ladder" hint="every rung trains longer and keeps the best">
          <Ladder search={search} />
        </Panel>
        <Panel
          title="Best configuration"
          hint={
            best === undefined ? undefined : `of the last finished rung, ${formatCompact(best.steps)} steps`
          }
          actions={
            best === undefined ? null : (
              <LinkButton
                size="sm"
                tone="primary"
                href={`/agents?${new URLSearchParams({
                  train: search.datasetId,
                  algorithm: search.algorithm,
                  set: showOverrides(best.hyperparameters),
                  steps: String(best.steps),
                })}`}
                data-testid="train-best"
              >
                <Sparkles aria-hidden /> Train this
              </LinkButton>
            )
          }
        >
          {best === undefined ? (
            <p className="text-[13px] text-soft">The first rung is not finished.</p>
          ) : (
            <Facts
              rows={[
                ["Sharpe a day, out of sample", formatNumber(best.sharpePerDay, 4)],
                ...Object.entries(best.hyperparameters).map(
                  ([name, value]) => [name, showHyperparameter(value)] as const,
                ),
              ]}
            />
          )}
        </Panel>
      </div>
      <Panel title="Hyperparameters against score" hint="one line a trial; drawn best last">
        <ParallelView search={search} />
      </Panel>
      <Panel
        flush
        title="Trials"
        hint="best first; each is a walk-forward that any worker may run"
        actions={<ExportButtons name={`search-${searchId}-trials`} rows={search.trials} />}
      >
        <Trials search={search} />
      </Panel>
      <Panel title="Asked for">
        <Facts
          rows={[
            ["Dataset", <Hash key="d" value={search.datasetHash} />],
            ...search.ranges.map(
              ({ name, scale, min, max, choices }) =>
                [
                  name,
                  scale === "choice"
                    ? `one of ${choices.join(", ")}`
                    : `${scale}, ${showHyperparameter(min)} to ${showHyperparameter(max)}`,
                ] as const,
            ),
            ["Shared by all", showOverrides(search.fixed)],
            ["Folds", formatCount(search.folds)],
            ["Training seeds", search.trainingSeeds.join(", ")],
            ["Seed of the drawing", String(search.seed)],
          ]}
        />
      </Panel>
    </Page>
  );
}

function Ladder({ search }: { search: Search }) {
  return (
    <ol className="flex flex-col gap-3 text-[13px]">
      {search.ladder.map(({ steps, configurations }, rung) => {
        const ended = search.trials.filter(
          (trial) => trial.rung === rung && trial.status !== "running",
        ).length;
        const word =
          rung > search.rung
            ? search.status === "running"
              ? "waiting"
              : "not reached"
            : `${ended} of ${configurations} done`;
        return (
          <li key={steps} className="flex flex-col gap-1.5">
            <span className="flex flex-wrap items-baseline gap-2">
              <span className="font-medium">Rung {rung + 1}</span>
              <span className="text-soft">
                {formatItems(configurations, "configuration")}, {formatCompact(steps)} steps each
              </span>
              <span className="ml-auto text-faint">{word}</span>
            </span>
            <ProgressBar fraction={ended / configurations} label={`Rung ${rung + 1} progress`} />
          </li>
        );
      })}
    </ol>
  );
}
