"use client";
import { useConvex, useQuery } from "convex/react";
import { FlaskRound } from "lucide-react";
import { EvaluationTable } from "@/components/domain/EvaluationTable";
import { ExportButtons } from "@/components/ui/ExportButtons";
import { Panel } from "@/components/ui/Panel";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { LIMITS } from "@/lib/contract/limits";
import { JobsUnderWay } from "./JobsUnderWay";

/** Single evaluations, of one version or of all. */
export function Evaluations({ versionId }: { versionId: string }) {
  const convex = useConvex();
  const evaluations = useQuery(api.evaluations.console.list, {});
  const shown = evaluations?.filter((row) => versionId === "" || row.versionId === versionId);
  return (
    <>
      <JobsUnderWay kind="evaluate" />
      <Panel
        flush
        title="Evaluations"
        hint="newest first"
        actions={
          <ExportButtons
            name="evaluations"
            kind="evaluations"
            read={(cursor) =>
              convex.query(api.evaluations.console.pages, {
                paginationOpts: { numItems: LIMITS.pageSize, cursor },
              })
            }
          />
        }
      >
        {shown === undefined ? <SkeletonRows rows={6} /> : null}
        {shown?.length === 0 ? (
          <EmptyState
            icon={FlaskRound}
            title="No evaluation yet"
            command="npm run -s assay -- evaluate --version <id> --from 2025-07-01 --to 2025-08-01"
          >
            Open an agent version and press Evaluate, or use the command line.
          </EmptyState>
        ) : null}
        {shown !== undefined && shown.length > 0 ? <EvaluationTable evaluations={shown} /> : null}
      </Panel>
    </>
  );
}
