"use client";
import { useMutation, useQuery } from "convex/react";
import { Octagon, ShieldCheck } from "lucide-react";
import { useState } from "react";
import { Age } from "@/components/domain/Age";
import { KillChip } from "@/components/domain/chips";
import { actorName, formatCount } from "@/components/format";
import { useRefusal } from "@/components/providers/MemberProvider";
import { KillDialog } from "@/components/shell/KillDialog";
import { Button } from "@/components/ui/Button";
import { ConfirmDialog } from "@/components/ui/ConfirmDialog";
import { Facts } from "@/components/ui/Figures";
import { Panel } from "@/components/ui/Panel";
import { SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";

export function KillSwitchPanel() {
  const kill = useQuery(api.governance.console.killSwitch, {});
  const arm = useMutation(api.governance.console.arm);
  const refusal = useRefusal("operator");
  const adminRefusal = useRefusal("admin");
  const [isKilling, setKilling] = useState(false);
  const [isArming, setArming] = useState(false);
  return (
    <Panel
      title="Kill switch"
      hint="works while no worker is alive"
      actions={
        <>
          {kill !== undefined && kill.mode !== "armed" ? (
            <Button
              size="sm"
              tone="primary"
              disabled={adminRefusal !== null}
              title={adminRefusal ?? undefined}
              onClick={() => setArming(true)}
              data-testid="arm-button"
            >
              <ShieldCheck aria-hidden /> Re-arm
            </Button>
          ) : null}
          <Button
            size="sm"
            tone="danger"
            disabled={refusal !== null}
            title={refusal ?? "Ctrl+Shift+K"}
            onClick={() => setKilling(true)}
          >
            <Octagon aria-hidden /> Engage
          </Button>
        </>
      }
    >
      {kill === undefined ? (
        <SkeletonRows rows={4} />
      ) : (
        <Facts
          rows={[
            ["State", <KillChip key="state" mode={kill.mode} />],
            ["Epoch", formatCount(kill.epoch)],
            ["Reason", kill.reason],
            ["Changed", <Age key="age" atMs={kill.changedAtMs === 0 ? null : kill.changedAtMs} />],
            ["By", kill.changedBy === "" ? "nobody yet" : actorName(kill.changedBy)],
          ]}
        />
      )}
      <KillDialog open={isKilling} onOpenChange={setKilling} />
      <ConfirmDialog
        open={isArming}
        onOpenChange={setArming}
        title="Re-arm the desk"
        phrase="ARM"
        asksReason
        tone="primary"
        confirmLabel="Allow trading again"
        onConfirm={(reason) => arm({ reason })}
        consequence={<p>Active runs may take new risk again from their next bar, within the risk limits.</p>}
        data-testid="arm-dialog"
      />
    </Panel>
  );
}
