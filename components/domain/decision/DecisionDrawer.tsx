"use client";
import { useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import Link from "next/link";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { baseOf, formatLatency, formatPrice, formatQty, formatTimeExact } from "../../format";
import { usePreferences } from "../../providers/PreferencesProvider";
import { Boundary } from "../../ui/Boundary";
import { CopyText } from "../../ui/CopyText";
import { Dialog } from "../../ui/Dialog";
import { Facts } from "../../ui/Figures";
import { SkeletonRows } from "../../ui/States";
import { ActionChip, OutcomeChip, StatusChip } from "../chips";
import { Observation } from "./Observation";
import { Probabilities } from "./Probabilities";
import { Provenance } from "./Provenance";
import { ReplayCheck } from "./ReplayCheck";
import { Verdicts } from "./Verdicts";

export type Decision = FunctionReturnType<typeof api.decisions.console.get>;

interface DecisionDrawerProps {
  decisionId: string | null;
  onClose: () => void;
}

/** One decision with everything that made it, and the button that proves it. */
export function DecisionDrawer({ decisionId, onClose }: DecisionDrawerProps) {
  return (
    <Dialog
      kind="drawer"
      open={decisionId !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="Decision"
      data-testid="decision-drawer"
    >
      {decisionId === null ? null : (
        <Boundary key={decisionId}>
          <DecisionBody decisionId={decisionId as Id<"decisions">} />
        </Boundary>
      )}
    </Dialog>
  );
}

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className="border-t border-line px-4 py-4">
      <h3 className="eyebrow mb-2.5">{title}</h3>
      {children}
    </section>
  );
}

function DecisionBody({ decisionId }: { decisionId: Id<"decisions"> }) {
  const decision = useQuery(api.decisions.console.get, { decisionId });
  const { zone } = usePreferences();
  if (decision === undefined) return <SkeletonRows rows={12} />;
  const { latency } = decision;
  return (
    <>
      <div className="flex flex-col gap-3 px-4 py-4">
        <div className="flex flex-wrap items-center gap-2">
          <ActionChip action={decision.action} />
          <OutcomeChip outcome={decision.outcome} />
          <span className="text-[13px] font-medium">{decision.instrument}</span>
          <span className="text-[13px] text-faint">#{decision.sequence}</span>
          <span
            className="ml-auto inline-flex items-center font-mono text-[11px] text-faint"
            data-testid="decision-id"
          >
            {decision._id}
            <CopyText text={decision._id} label="Copy decision id" />
          </span>
        </div>
        <p className="text-[14px]">
          {decision.outcome === "order"
            ? `Planned ${formatQty(decision.plannedQty, baseOf(decision.instrument))} near ${formatPrice(decision.referencePrice)}, stop ${formatPrice(decision.plannedStopPrice)}.`
            : `Held: ${decision.holdReason ?? "nothing to do"}.`}
        </p>
        <ReplayCheck decisionId={decisionId} />
      </div>
      <Section title="Policy output">
        <Probabilities decision={decision} />
      </Section>
      <Section title="Risk verdicts">
        <Verdicts decision={decision} />
      </Section>
      <Section title="Order">
        <OrderOf decision={decision} />
      </Section>
      <Section title="Provenance">
        <Provenance decision={decision} />
      </Section>
      <Section title="Observation">
        <Observation decision={decision} />
      </Section>
      <Section title="Time">
        <Facts
          rows={[
            ["Bar closed", formatTimeExact(decision.barCloseTimeMs, zone)],
            ["Decided", formatTimeExact(decision.decidedAtMs, zone)],
            ["Features", formatLatency(latency.featuresMs)],
            ["Inference", formatLatency(latency.inferenceMs)],
            ["Bar known to decision sent", formatLatency(latency.totalMs)],
          ]}
        />
      </Section>
    </>
  );
}

/** The order of this decision is found among the run's orders around its bar. */
function OrderOf({ decision }: { decision: Decision }) {
  const orders = useQuery(
    api.execution.console.orders,
    decision.orderId === undefined ? "skip" : { runId: decision.runId, limit: 1_000 },
  );
  if (decision.orderId === undefined) {
    return (
      <p className="text-[13px] text-soft">
        No order: {decision.holdReason ?? "the position was already at its target"}.
      </p>
    );
  }
  if (orders === undefined) return <SkeletonRows rows={3} />;
  const order = orders.find((candidate) => candidate._id === decision.orderId);
  if (order === undefined) {
    return (
      <p className="text-[13px] text-soft">
        Older than the newest thousand orders of the run; see the{" "}
        <Link href={`/runs/${decision.runId}`}>run</Link>.
      </p>
    );
  }
  const base = baseOf(decision.instrument);
  return (
    <Facts
      rows={[
        ["State", <StatusChip key="state" status={order.state} />],
        [
          "Client order id",
          <span key="id" className="inline-flex items-center font-mono text-[12px]">
            {order.clientOrderId}
            <CopyText text={order.clientOrderId} label="Copy client order id" />
          </span>,
        ],
        ["Quantity", formatQty(order.qty, base)],
        ["Filled", formatQty(order.filledQty, base)],
        ["Average price", formatPrice(order.averagePrice)],
        ["Protective stop", formatPrice(order.stopPrice)],
      ]}
    />
  );
}
