"use client";
import { useMutation, useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { Crown, ShieldAlert } from "lucide-react";
import { useState } from "react";
import { Age } from "@/components/domain/Age";
import { StatusChip } from "@/components/domain/chips";
import { GateList } from "@/components/domain/GateList";
import { actorName } from "@/components/format";
import { useSubmit } from "@/components/hooks/useSubmit";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button } from "@/components/ui/Button";
import { ConfirmDialog } from "@/components/ui/ConfirmDialog";
import { Panel } from "@/components/ui/Panel";
import { EmptyState, InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";

type Promotion = FunctionReturnType<typeof api.governance.console.listPromotions>[number];

interface PromotePanelProps {
  versionId: Id<"agentVersions">;
  name: string;
  isTrained: boolean;
}

/** Asks for the championship. The server computes the gates again; a refusal names each one that fails. */
export function PromotePanel({ versionId, name, isTrained }: PromotePanelProps) {
  const promotions = useQuery(api.governance.console.listPromotions, {});
  const promote = useSubmit(useMutation(api.governance.console.promote));
  const force = useMutation(api.governance.console.forcePromote);
  const refusal = useRefusal("operator");
  const adminRefusal = useRefusal("admin");
  const [isForcing, setForcing] = useState(false);
  const latest = promotions?.find((promotion) => promotion.versionId === versionId);
  return (
    <Panel
      title="Promotion"
      hint="gates are computed on the server"
      actions={
        <>
          {latest?.outcome === "refused" ? (
            <Button
              size="sm"
              tone="danger"
              disabled={adminRefusal !== null}
              title={adminRefusal ?? "Against failing gates, with a reason in the audit log"}
              onClick={() => setForcing(true)}
              data-testid="force-promote"
            >
              <ShieldAlert aria-hidden /> Force
            </Button>
          ) : null}
          <Button
            size="sm"
            disabled={!isTrained || refusal !== null}
            title={refusal ?? undefined}
            busy={promote.isBusy}
            onClick={() => void promote.submit({ versionId })}
            data-testid="promote"
          >
            <Crown aria-hidden /> Promote
          </Button>
        </>
      }
    >
      <InlineError message={promote.error} />
      {promotions === undefined ? <SkeletonRows rows={4} /> : null}
      {promotions !== undefined && latest === undefined && promote.error === null ? (
        <EmptyState title="Never asked for">
          Evaluate the version first; then ask, and see each gate.
        </EmptyState>
      ) : null}
      {latest === undefined ? null : <LatestPromotion promotion={latest} />}
      <ConfirmDialog
        open={isForcing}
        onOpenChange={setForcing}
        title={`Force ${name} to champion`}
        phrase="FORCE"
        asksReason
        confirmLabel="Force the promotion"
        onConfirm={(reason) => force({ versionId, reason })}
        consequence={
          <p>
            {latest?.gates.filter((gate) => !gate.passed).length ?? 0} gates fail. The version replaces the
            champion of {latest?.instrument}, and new runs without a named version use it. Your name and
            reason stay in the audit log.
          </p>
        }
      />
    </Panel>
  );
}

function LatestPromotion({ promotion }: { promotion: Promotion }) {
  return (
    <div data-testid="promotion-result" data-outcome={promotion.outcome}>
      <p className="mb-1 flex flex-wrap items-center gap-2 text-[13px]">
        <StatusChip status={promotion.outcome} />
        <span className="text-faint">
          <Age atMs={promotion.atMs} /> by {actorName(promotion.actor)}, policy version{" "}
          {promotion.policyVersion}
        </span>
      </p>
      {promotion.reason ? <p className="text-[13px] text-soft">Reason: {promotion.reason}</p> : null}
      <GateList gates={promotion.gates} />
    </div>
  );
}
