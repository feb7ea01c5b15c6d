"use client";
import { useQuery } from "convex/react";
import { Footprints } from "lucide-react";
import { WalkForwardTable } from "@/components/domain/walkForward/WalkForwardTable";
import { Panel } from "@/components/ui/Panel";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { JobsUnderWay } from "./JobsUnderWay";

/** Walk-forwards that somebody asked for; those of a search are on its page. */
export function WalkForwards() {
  const rows = useQuery(api.walkForwards.console.list, {});
  return (
    <>
      <JobsUnderWay kind="walkForward" />
      <Panel flush>
        {rows === undefined ? <SkeletonRows rows={6} /> : null}
        {rows?.length === 0 ? (
          <EmptyState
            icon={Footprints}
            title="No walk-forward yet"
            command="npm run -s assay -- walk-forward --dataset <id> --algorithm ppo --steps 200000"
          >
            A walk-forward trains anew on the past of every fold and tests on what follows, so that no figure
            comes from bars that were seen.
          </EmptyState>
        ) : null}
        {rows !== undefined && rows.length > 0 ? <WalkForwardTable rows={rows} /> : null}
      </Panel>
    </>
  );
}
