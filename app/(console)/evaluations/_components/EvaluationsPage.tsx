"use client";
import { useQuery } from "convex/react";
import { Footprints, SlidersHorizontal } from "lucide-react";
import { DatasetWalkForwardForm } from "@/components/domain/walkForward/WalkForwardForm";
import { useUrlState } from "@/components/hooks/useUrlState";
import { Button, LinkButton } from "@/components/ui/Button";
import { Dialog } from "@/components/ui/Dialog";
import { Select } from "@/components/ui/Field";
import { Page, PageHeader } from "@/components/ui/Panel";
import { Tabs } from "@/components/ui/Tabs";
import { api } from "@/convex/_generated/api";
import { Evaluations } from "./Evaluations";
import { Searches } from "./Searches";
import { SearchForm } from "./SearchForm";
import { WalkForwards } from "./WalkForwards";

const LEADS: Record<string, string> = {
  single: "A policy on bars that it has not seen, net of costs, beside four baselines.",
  walk: "A recipe retrained fold by fold and judged on what follows: better than luck, and than the champion?",
  search: "Configurations drawn from ranges; the best of each rung go on longer. Each is a counted trial.",
};

/** Is any of these better than luck, and better than doing nothing. */
export function EvaluationsPage() {
  const versions = useQuery(api.agents.console.list, {});
  const { get, set } = useUrlState();
  const view = get("view") ?? "single";
  const versionId = get("version") ?? "";
  return (
    <Page>
      <PageHeader
        title="Evaluations"
        lead={LEADS[view]}
        actions={
          view === "walk" ? (
            <Button tone="primary" onClick={() => set({ walk: "1" })} data-testid="walk-open">
              <Footprints aria-hidden /> Walk a recipe forward
            </Button>
          ) : view === "search" ? (
            <Button tone="primary" onClick={() => set({ start: "1" })} data-testid="search-open">
              <SlidersHorizontal aria-hidden /> Start a search
            </Button>
          ) : (
            <>
              <Select
                isBare
                data-filter
                label="Version"
                value={versionId}
                onChange={(value) => set({ version: value })}
                options={[
                  { value: "", label: "All versions" },
                  ...(versions ?? []).map((version) => ({
                    value: version._id as string,
                    label: version.name,
                  })),
                ]}
              />
              <LinkButton href="/agents">Choose a version to evaluate</LinkButton>
            </>
          )
        }
      />
      <Tabs
        label="Kinds of evaluation"
        current={view}
        tabs={[
          { value: "single", label: "Evaluations", href: "/evaluations" },
          { value: "walk", label: "Walk-forwards", href: "/evaluations?view=walk" },
          { value: "search", label: "Searches", href: "/evaluations?view=search" },
        ]}
      />
      {view === "walk" ? <WalkForwards /> : null}
      {view === "search" ? <Searches /> : null}
      {view === "single" ? <Evaluations versionId={versionId} /> : null}
      <Dialog
        open={get("walk") !== null}
        onOpenChange={(open) => {
          if (!open) set({ walk: null });
        }}
        title="Walk a recipe forward"
      >
        <DatasetWalkForwardForm />
      </Dialog>
      <Dialog
        open={get("start") !== null}
        onOpenChange={(open) => {
          if (!open) set({ start: null });
        }}
        title="Start a search"
      >
        <SearchForm />
      </Dialog>
    </Page>
  );
}
