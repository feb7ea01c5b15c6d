"use client";
import { useMember } from "@/components/providers/MemberProvider";
import { Page, PageHeader, Panel } from "@/components/ui/Panel";
import { AuditLog } from "./AuditLog";
import { Jobs } from "./Jobs";
import { Members } from "./Members";
import { Workers } from "./Workers";

/** What happened, and is the machinery alive. */
export function OpsPage() {
  const { role } = useMember();
  return (
    <Page>
      <PageHeader title="Ops and audit" lead="Machinery, work and the record of every act." />
      <Panel flush title="Workers" hint="by last heartbeat">
        <Workers />
      </Panel>
      <Panel flush title="Jobs" hint="newest first">
        <Jobs />
      </Panel>
      <AuditLog />
      {role === "admin" ? <Members /> : null}
    </Page>
  );
}
