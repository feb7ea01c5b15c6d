"use client";
import { useQuery } from "convex/react";
import { Footprints } from "lucide-react";
import { WalkForwardTable } from "@/components/domain/walkForward/WalkForwardTable";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";

export function WalkForwardsOfVersion({ versionId }: { versionId: Id<"agentVersions"> }) {
  const rows = useQuery(api.walkForwards.console.list, {});
  if (rows === undefined) return <SkeletonRows rows={3} />;
  const own = rows.filter((row) => row.versionId === versionId);
  if (own.length === 0) {
    return (
      <EmptyState
        icon={Footprints}
        title="Not walked forward yet"
        command={`npm run -s assay -- walk-forward --version ${versionId}`}
      >
        Promotion needs a walk-forward of the recipe: retrained fold by fold, with several seeds.
      </EmptyState>
    );
  }
  return <WalkForwardTable rows={own} isCompact />;
}
