"use client";
import { Champions } from "@/components/domain/Champions";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";

import { GatePolicyPanel } from "./GatePolicyPanel";
import { KillSwitchPanel } from "./KillSwitchPanel";
import { Promotions } from "./Promotions";
import { RiskLimitsPanel } from "./RiskLimitsPanel";

/** What is allowed, and who changed it. */
export function GovernancePage() {
  return (
    <Page>
      <PageHeader title="Governance" lead="What is allowed, who allowed it, and how to stop it." />
      <div className="grid min-w-0 grid-cols-1 items-start gap-4 xl:grid-cols-2">
        <KillSwitchPanel />
        <RiskLimitsPanel />
      </div>
      <Panel flush title="Champions" hint="what a run uses when no version is named">
        <Champions />
      </Panel>
      <GatePolicyPanel />
      <Panel flush title="Promotions" hint="every request, granted or not, newest first">
        <Promotions />
      </Panel>
    </Page>
  );
}
