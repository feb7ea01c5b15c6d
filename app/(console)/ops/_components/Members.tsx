"use client";
import { useMutation, useQuery } from "convex/react";
import { UserPlus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { When } from "@/components/domain/Age";
import { useSubmit } from "@/components/hooks/useSubmit";
import { Button } from "@/components/ui/Button";
import { Chip } from "@/components/ui/Chip";
import { DataTable } from "@/components/ui/DataTable";
import { Dialog } from "@/components/ui/Dialog";
import { Field, Select } from "@/components/ui/Field";
import { Panel } from "@/components/ui/Panel";
import { CommandLine, InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { sha256Hex } from "@/lib/core/sha256";

const ROLES = [
  { value: "viewer", label: "Viewer: sees and replays" },
  { value: "operator", label: "Operator: runs, trains, stops" },
  { value: "admin", label: "Admin: limits, members, force" },
] as const;
type Role = (typeof ROLES)[number]["value"];

/** Who may come in, and a one-time link for the next one. */
export function Members() {
  const members = useQuery(api.access.console.listMembers, {});
  const me = useQuery(api.access.console.me, {});
  const change = useSubmit(useMutation(api.access.console.setDisabled));
  const [isOpen, setOpen] = useState(false);
  return (
    <Panel
      flush
      title="Members"
      hint="people and the command line of this desk"
      actions={
        <Button size="sm" onClick={() => setOpen(true)} data-testid="invite-open">
          <UserPlus aria-hidden /> Invite
        </Button>
      }
    >
      {members === undefined ? (
        <SkeletonRows rows={3} />
      ) : (
        <DataTable
          caption="Members"
          rows={members}
          rowKey={(member) => member.subject}
          columns={[
            {
              id: "name",
              header: "Name",
              lead: true,
              cell: (member) => <span className="font-medium">{member.displayName}</span>,
            },
            { id: "role", header: "Role", cell: (member) => <Chip>{member.role}</Chip> },
            {
              id: "subject",
              header: "Subject",
              cell: (member) => <span className="font-mono text-[12px] text-soft">{member.subject}</span>,
            },
            { id: "state", header: "State", cell: (member) => (member.disabled ? "disabled" : "active") },
            {
              id: "act",
              header: "Access",
              cell: (member) =>
                member.subject === me?.subject ? (
                  <span className="text-faint">you</span>
                ) : (
                  <Button
                    size="sm"
                    tone={member.disabled ? "plain" : "danger"}
                    onClick={() => change.submit({ subject: member.subject, disabled: !member.disabled })}
                    data-testid="member-access"
                  >
                    {member.disabled ? "Enable" : "Disable"}
                  </Button>
                ),
            },
          ]}
        />
      )}
      <InlineError message={change.error} />
      <Dialog open={isOpen} onOpenChange={setOpen} title="Invite a member">
        <InviteForm />
      </Dialog>
    </Panel>
  );
}

/** 24 random bytes as base64url: the code that only the link carries. The server stores its hash. */
function newCode(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(24));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}

function subjectOf(name: string): string {
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return `local:${slug}`;
}

function InviteForm() {
  const invite = useSubmit(useMutation(api.access.console.inviteMember));
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("viewer");
  const [link, setLink] = useState<{ url: string; expiresAtMs: number } | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const code = newCode();
    const made = await invite.submit({
      codeHash: sha256Hex(code),
      role,
      subject: subjectOf(name),
      displayName: name.trim(),
    });
    if (made !== undefined)
      setLink({ url: `${window.location.origin}/sign-in?code=${code}`, expiresAtMs: made.expiresAtMs });
  };
  if (link !== null) {
    return (
      <div className="flex flex-col gap-3 p-4">
        <p className="text-[13px] text-soft">
          Give this link to {name.trim()}. It is shown once, works once, and until{" "}
          <When atMs={link.expiresAtMs} />.
        </p>
        <CommandLine command={link.url} />
      </div>
    );
  }
  return (
    <form onSubmit={submit} className="flex flex-col gap-3.5 p-4">
      <Field label="Name">
        <input
          className="field"
          value={name}
          maxLength={80}
          onChange={(event) => setName(event.target.value)}
        />
      </Field>
      <Select label="Role" value={role} onChange={setRole} options={ROLES} />
      <InlineError message={invite.error} />
      <Button
        type="submit"
        tone="primary"
        className="self-end"
        busy={invite.isBusy}
        disabled={subjectOf(name) === "local:"}
      >
        Make the link
      </Button>
    </form>
  );
}
