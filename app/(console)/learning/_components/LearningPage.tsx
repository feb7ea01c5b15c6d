"use client";
import { useQuery } from "convex/react";
import { GraduationCap, Pencil, Play } from "lucide-react";
import { useRouter } from "next/navigation";
import { Age } from "@/components/domain/Age";
import { Champions } from "@/components/domain/Champions";
import { StatusChip } from "@/components/domain/chips";
import { ShadowPanel } from "@/components/domain/ShadowPanel";
import { actorName, formatItems } from "@/components/format";
import { useUrlState } from "@/components/hooks/useUrlState";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button } from "@/components/ui/Button";
import { Chip } from "@/components/ui/Chip";
import { DataTable } from "@/components/ui/DataTable";
import { Dialog } from "@/components/ui/Dialog";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { EmptyState, SkeletonRows } from "@/components/ui/States";
import { Tabs } from "@/components/ui/Tabs";
import { api } from "@/convex/_generated/api";
import { Drift } from "./Drift";
import { PolicyForm } from "./PolicyForm";
import { StartCycleForm } from "./StartCycleForm";

/** How the desk learns: challengers made, judged, run in the shadow, promoted or rejected with reasons. */
export function LearningPage() {
  const cycles = useQuery(api.learning.console.cycles, {});
  const { get, set } = useUrlState();
  const adminRefusal = useRefusal("admin");
  const isDrift = get("view") === "drift";
  const openAlerts = useQuery(api.drift.console.alerts, { openOnly: true });
  const shadowing = (cycles ?? []).filter((cycle) => cycle.isActive && cycle.shadowId !== undefined);
  return (
    <Page>
      <PageHeader
        title="Learning"
        lead="A challenger is trained, judged on the champion's folds, run beside it in the shadow, then promoted or rejected."
        actions={
          <>
            <Button
              disabled={adminRefusal !== null}
              title={adminRefusal ?? undefined}
              onClick={() => set({ policy: "1" })}
              data-testid="policy-open"
            >
              <Pencil aria-hidden /> Set a policy
            </Button>
            <Button tone="primary" onClick={() => set({ start: "1" })} data-testid="cycle-open">
              <Play aria-hidden /> Start a cycle
            </Button>
          </>
        }
      />
      <Tabs
        label="Parts of learning"
        current={isDrift ? "drift" : "cycles"}
        tabs={[
          { value: "cycles", label: "Cycles", href: "/learning" },
          { value: "drift", label: "Drift", href: "/learning?view=drift", count: openAlerts?.length },
        ]}
      />
      {isDrift ? (
        <Drift />
      ) : (
        <>
          {shadowing.map((cycle) => (
            <ShadowPanel key={cycle._id} shadowId={cycle.shadowId!} title={`Shadow of ${cycle.instrument}`} />
          ))}
          <Panel flush title="Cycles" hint="newest first, each with the reason it ended">
            <Cycles />
          </Panel>
          <Panel flush title="Champions" hint="one step back, at once">
            <Champions />
          </Panel>
          <Panel flush title="Policies" hint="what starts cycles by itself, and with which numbers">
            <Policies />
          </Panel>
        </>
      )}
      <Dialog
        open={get("policy") !== null}
        onOpenChange={(open) => {
          if (!open) set({ policy: null });
        }}
        title="Learning policy"
      >
        <PolicyForm onDone={() => set({ policy: null })} />
      </Dialog>
      <Dialog
        open={get("start") !== null}
        onOpenChange={(open) => {
          if (!open) set({ start: null });
        }}
        title="Start a learning cycle"
      >
        <StartCycleForm />
      </Dialog>
    </Page>
  );
}

function Cycles() {
  const cycles = useQuery(api.learning.console.cycles, {});
  const router = useRouter();
  if (cycles === undefined) return <SkeletonRows rows={5} />;
  if (cycles.length === 0) {
    return (
      <EmptyState icon={GraduationCap} title="No learning cycle yet">
        Start one by hand, or turn the cadence on in a market's policy. It builds a dataset, trains a
        challenger and judges it beside the champion.
      </EmptyState>
    );
  }
  return (
    <DataTable
      caption="Learning cycles, newest first"
      rows={cycles}
      rowKey={(row) => row._id}
      onOpen={(row) => router.push(`/learning/${row._id}`)}
      rowTestId="cycle-row"
      columns={[
        {
          id: "market",
          header: "Market",
          lead: true,
          cell: (row) => (
            <span className="font-medium">
              {row.instrument} {row.timeframe}
            </span>
          ),
        },
        { id: "status", header: "Status", cell: (row) => <StatusChip status={row.status} /> },
        { id: "challenger", header: "Challenger", cell: (row) => row.challengerName ?? "—" },
        { id: "champion", header: "Champion", cell: (row) => row.championName ?? "none" },
        {
          id: "reason",
          header: "Last word",
          wide: true,
          className: "sm:max-w-[460px] sm:truncate",
          cell: (row) => (
            <span className="text-soft" title={row.reasons.at(-1)?.sentence}>
              {row.reasons.at(-1)?.sentence ?? "—"}
            </span>
          ),
        },
        {
          id: "by",
          header: "Started by",
          cell: (row) => (row.trigger === "manual" ? actorName(row.startedBy) : row.trigger),
        },
        {
          id: "at",
          header: "Started",
          numeric: true,
          cell: (row) => <Age atMs={row.startedAtMs} className="text-faint" />,
        },
      ]}
    />
  );
}

function Policies() {
  const policies = useQuery(api.learning.console.policies, {});
  if (policies === undefined) return <SkeletonRows rows={3} />;
  if (policies.length === 0) {
    return (
      <EmptyState title="The defaults of the desk">
        No market has a policy of its own: cycles start by hand only, with the numbers that ship with the
        desk.
      </EmptyState>
    );
  }
  return (
    <DataTable
      caption="Learning policies by market"
      rows={policies}
      rowKey={(row) => `${row.instrument} ${row.timeframe}`}
      columns={[
        {
          id: "market",
          header: "Market",
          lead: true,
          cell: (row) => (
            <span className="font-medium">
              {row.instrument} {row.timeframe}
            </span>
          ),
        },
        {
          id: "enabled",
          header: "Cadence",
          cell: ({ values }) =>
            values.enabled ? (
              <Chip tone="ok">every {values.cadenceHours} h</Chip>
            ) : (
              <Chip>off, by hand only</Chip>
            ),
        },
        {
          id: "recipe",
          header: "Recipe",
          cell: ({ values }) =>
            `${values.algorithm.toUpperCase()}, ${formatItems(values.trainingDays, "day")}, ${formatItems(values.folds, "fold")}, ${formatItems(values.seeds.length, "seed")}`,
        },
        {
          id: "shadow",
          header: "Shadow",
          cell: ({ values }) =>
            values.shadow.enabled
              ? `${values.shadow.minBars} to ${values.shadow.maxBars} bars`
              : "off: promotes on its gates alone",
        },
        { id: "version", header: "Version", numeric: true, cell: (row) => row.version },
        { id: "reason", header: "Reason", wide: true, cell: (row) => row.reason },
        {
          id: "at",
          header: "Set",
          numeric: true,
          cell: (row) => <Age atMs={row.atMs} className="text-faint" />,
        },
      ]}
    />
  );
}
