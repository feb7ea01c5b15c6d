"use client";
import { useQuery } from "convex/react";
import { Crown } from "lucide-react";
import { useRouter } from "next/navigation";
import { Age } from "@/components/domain/Age";
import { actorName } from "@/components/format";
import { DataTable } from "@/components/ui/DataTable";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";

export function Champions() {
  const champions = useQuery(api.governance.console.listChampions, {});
  const router = useRouter();
  if (champions === undefined) return <SkeletonRows rows={3} />;
  if (champions.length === 0) {
    return (
      <EmptyState icon={Crown} title="No champion yet" command="npm run -s assay -- promote --version <id>">
        Until a version passes its gates, paper runs use the newest candidate.
      </EmptyState>
    );
  }
  return (
    <DataTable
      caption="Champions by instrument"
      rows={champions}
      rowKey={(row) => row.instrument}
      onOpen={(row) => router.push(`/agents/${row.versionId}`)}
      columns={[
        {
          id: "instrument",
          header: "Instrument",
          lead: true,
          cell: (row) => <span className="font-medium">{row.instrument}</span>,
        },
        { id: "version", header: "Version", cell: (row) => row.versionName },
        { id: "by", header: "Promoted by", cell: (row) => actorName(row.promotedBy) },
        { id: "at", header: "Since", numeric: true, cell: (row) => <Age atMs={row.promotedAtMs} /> },
      ]}
    />
  );
}
