"use client";
import { useConvex, usePaginatedQuery } from "convex/react";
import { CheckCircle2, Link2, XCircle } from "lucide-react";
import { useState } from "react";
import { When } from "@/components/domain/Age";
import { actorName, formatCount } from "@/components/format";
import { useSubmit } from "@/components/hooks/useSubmit";
import { Button } from "@/components/ui/Button";
import { Hash } from "@/components/ui/CopyText";
import { DataTable } from "@/components/ui/DataTable";
import { Panel } from "@/components/ui/Panel";
import { InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { CHAIN_START, verifyEntries } from "@/lib/audit/chain";

const PAGE_ROWS = 25;

type Verification =
  | { ok: true; length: number; head: string }
  | { ok: false; sequence: number; reason: string };

/** Every act with its actor, and a check of the whole hash chain in this browser. */
export function AuditLog() {
  const convex = useConvex();
  const [result, setResult] = useState<Verification | null>(null);
  const [checked, setChecked] = useState(0);
  const verify = useSubmit(async () => {
    setResult(null);
    setChecked(0);
    let position = CHAIN_START;
    for (;;) {
      const entries = await convex.query(api.audit.console.chain, { fromSequence: position.nextSequence });
      if (entries.length === 0) break;
      const check = verifyEntries(entries, position);
      if (!check.ok) {
        setResult({ ok: false, sequence: check.sequence, reason: check.reason });
        return;
      }
      position = check.position;
      setChecked(position.nextSequence);
    }
    setResult({ ok: true, length: position.nextSequence, head: position.previousHash });
  });
  return (
    <Panel
      flush
      title="Audit log"
      hint="a hash chain: an edited, removed or inserted entry breaks it"
      actions={
        <Button
          size="sm"
          busy={verify.isBusy}
          onClick={() => void verify.submit()}
          data-testid="audit-verify"
        >
          <Link2 aria-hidden /> {verify.isBusy ? `Verified ${formatCount(checked)}` : "Verify"}
        </Button>
      }
    >
      {verify.error === null ? null : (
        <div className="border-b border-line px-4 py-2.5">
          <InlineError message={verify.error} />
        </div>
      )}
      {result === null ? null : (
        <div
          className="flex flex-wrap items-center gap-2 border-b border-line px-4 py-2.5 text-[13px]"
          role="status"
          data-testid="audit-result"
          data-ok={result.ok}
        >
          {result.ok ? (
            <>
              <CheckCircle2 className="size-4 text-ok" aria-hidden />
              <span>
                <strong className="font-medium text-ok">Chain intact:</strong> {formatCount(result.length)}{" "}
                entries recomputed here, head
              </span>
              <Hash value={result.head} />
            </>
          ) : (
            <>
              <XCircle className="size-4 text-bad" aria-hidden />
              <span>
                <strong className="font-medium text-bad">
                  Broken at entry {formatCount(result.sequence)}:
                </strong>{" "}
                {result.reason}
              </span>
            </>
          )}
        </div>
      )}
      <Entries />
    </Panel>
  );
}

function detailText(detail: string): string {
  const parsed = JSON.parse(detail) as Record<string, unknown>;
  return Object.entries(parsed)
    .map(([key, value]) => `${key} ${String(value)}`)
    .join(", ");
}

function Entries() {
  const { results, status, loadMore } = usePaginatedQuery(
    api.audit.console.list,
    {},
    { initialNumItems: PAGE_ROWS },
  );
  if (status === "LoadingFirstPage") return <SkeletonRows rows={8} />;
  return (
    <>
      <DataTable
        caption="Audit entries, newest first"
        rows={results}
        rowKey={(entry) => entry._id}
        rowTestId="audit-row"
        columns={[
          {
            id: "sequence",
            header: "Entry",
            lead: true,
            cell: (entry) => (
              <span className="inline-flex items-center gap-2">
                <span className="text-faint">#{entry.sequence}</span>
                <span className="font-medium">{entry.action}</span>
              </span>
            ),
          },
          { id: "actor", header: "Actor", cell: (entry) => actorName(entry.actor) },
          {
            id: "subject",
            header: "Subject",
            cell: (entry) => <span className="text-soft">{entry.subjectType}</span>,
          },
          {
            id: "detail",
            header: "Detail",
            wide: true,
            className: "sm:max-w-[420px] sm:truncate",
            cell: (entry) => (
              <span className="text-soft" title={entry.detail}>
                {detailText(entry.detail) || "none"}
              </span>
            ),
          },
          { id: "hash", header: "Hash", cell: (entry) => <Hash value={entry.hash} /> },
          {
            id: "at",
            header: "When",
            numeric: true,
            cell: (entry) => <When atMs={entry.atMs} className="text-faint" />,
          },
        ]}
      />
      {status === "CanLoadMore" || status === "LoadingMore" ? (
        <div className="flex justify-end border-t border-line px-4 py-2.5">
          <Button size="sm" busy={status === "LoadingMore"} onClick={() => loadMore(PAGE_ROWS)}>
            Show older
          </Button>
        </div>
      ) : null}
    </>
  );
}
