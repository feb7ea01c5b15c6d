"use client";
import { Activity } from "lucide-react";
import { SimulatedTag, StatusChip } from "@/components/domain/chips";
import { DecisionFeed } from "@/components/domain/DecisionFeed";
import { DecisionDrawer } from "@/components/domain/decision/DecisionDrawer";
import { PositionCard } from "@/components/domain/PositionCard";
import { isActive } from "@/components/domain/runView";
import { useLiveRun } from "@/components/domain/useLiveRun";
import { usePacedQuery } from "@/components/hooks/usePacedQuery";
import { useUrlState } from "@/components/hooks/useUrlState";
import { LinkButton } from "@/components/ui/Button";
import { Page, Panel } from "@/components/ui/Panel";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { ActiveRuns } from "./ActiveRuns";
import { Attention } from "./Attention";
import { EquityPanel } from "./EquityPanel";
import { OpenJobs } from "./OpenJobs";
import { QuickStart } from "./QuickStart";
import { StatusStrip } from "./StatusStrip";

/** Am I safe, am I making money, is anything waiting for me. */
export function OverviewPage() {
  const runs = usePacedQuery(api.runs.console.list, {});
  const { get, set } = useUrlState();
  const openId = get("decision");
  const shownRow = runs?.find(isActive) ?? runs?.[0];
  const shown = useLiveRun(shownRow);
  return (
    <Page>
      <h1 className="sr-only">Overview</h1>
      <StatusStrip run={shown} />
      <Attention runs={runs ?? []} />
      <QuickStart />
      {runs === undefined || (shownRow !== undefined && shown === undefined) ? (
        <Panel>
          <SkeletonRows rows={8} />
        </Panel>
      ) : null}
      {shown !== undefined ? (
        <>
          <div className="grid min-w-0 grid-cols-1 gap-4 xl:grid-cols-[minmax(0,1fr)_320px]">
            <Panel
              title={shown.name}
              hint={shown.versionName}
              actions={
                <>
                  {shown.simulated ? <SimulatedTag /> : null}
                  <StatusChip status={shown.status} />
                  <LinkButton size="sm" href={`/runs/${shown._id}`} data-testid="open-run">
                    Open run
                  </LinkButton>
                </>
              }
            >
              <EquityPanel run={shown} />
            </Panel>
            <Panel title="Position" hint={shown.instrument}>
              <PositionCard runId={shown._id} instrument={shown.instrument} />
            </Panel>
          </div>
          <div className="grid min-w-0 grid-cols-1 items-start gap-4 xl:grid-cols-2">
            <Panel
              flush
              title="Last decisions"
              actions={
                <LinkButton size="sm" tone="ghost" href={`/decisions?run=${shown._id}`}>
                  All
                </LinkButton>
              }
            >
              <DecisionFeed run={shown} rows={8} openId={openId} onOpen={(id) => set({ decision: id })} />
            </Panel>
            <div className="flex min-w-0 flex-col gap-4">
              <Panel
                flush
                title="Active runs"
                actions={
                  <LinkButton size="sm" tone="ghost" href="/runs">
                    All
                  </LinkButton>
                }
              >
                <ActiveRuns runs={runs ?? []} />
              </Panel>
              <Panel
                title="Jobs"
                actions={
                  <LinkButton size="sm" tone="ghost" href="/ops">
                    All
                  </LinkButton>
                }
              >
                <OpenJobs />
              </Panel>
            </div>
          </div>
        </>
      ) : null}
      {runs?.length === 0 ? (
        <div className="grid min-w-0 grid-cols-1 items-start gap-4 xl:grid-cols-2">
          <Panel title="Runs">
            <EmptyState icon={Activity} title="Nothing runs yet">
              Equity, position and decisions appear here with the first run.
            </EmptyState>
          </Panel>
          <Panel
            title="Jobs"
            actions={
              <LinkButton size="sm" tone="ghost" href="/ops">
                All
              </LinkButton>
            }
          >
            <OpenJobs />
          </Panel>
        </div>
      ) : null}
      <DecisionDrawer decisionId={openId} onClose={() => set({ decision: null })} />
    </Page>
  );
}
