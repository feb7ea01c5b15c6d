"use client";
import { useQuery } from "convex/react";
import { FlaskRound } from "lucide-react";
import { EvaluationTable } from "@/components/domain/EvaluationTable";
import { JobProgress } from "@/components/domain/JobProgress";
import { useUrlState } from "@/components/hooks/useUrlState";
import { LinkButton } from "@/components/ui/Button";
import { Select } from "@/components/ui/Field";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";

/** Is any of these better than luck, and better than doing nothing. */
export function EvaluationsPage() {
  const evaluations = useQuery(api.evaluations.console.list, {});
  const versions = useQuery(api.agents.console.list, {});
  const jobs = useQuery(api.ops.console.listJobs, {});
  const { get, set } = useUrlState();
  const versionId = get("version") ?? "";
  const shown = evaluations?.filter((row) => versionId === "" || row.versionId === versionId);
  const open = (jobs ?? []).filter(
    (job) => job.kind === "evaluate" && (job.status === "queued" || job.status === "running"),
  );
  return (
    <Page>
      <PageHeader
        title="Evaluations"
        lead="A policy on bars that it has not seen, net of costs, beside four baselines."
        actions={
          <>
            <Select
              isBare
              data-filter
              label="Version"
              value={versionId}
              onChange={(value) => set({ version: value })}
              options={[
                { value: "", label: "All versions" },
                ...(versions ?? []).map((version) => ({ value: version._id as string, label: version.name })),
              ]}
            />
            <LinkButton href="/agents">Choose a version to evaluate</LinkButton>
          </>
        }
      />
      {open.length > 0 ? (
        <Panel title="Under way">
          <ul className="flex flex-col gap-4">
            {open.map((job) => (
              <li key={job._id}>
                <JobProgress job={job} />
              </li>
            ))}
          </ul>
        </Panel>
      ) : null}
      <Panel flush>
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
    </Page>
  );
}
