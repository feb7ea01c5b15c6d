"use client";
import { useMutation, useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { Pencil } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Age } from "@/components/domain/Age";
import {
  actorName,
  formatCount,
  formatDuration,
  formatNumber,
  formatPercent,
  formatUsd,
} from "@/components/format";
import { useSubmit } from "@/components/hooks/useSubmit";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button } from "@/components/ui/Button";
import { Dialog } from "@/components/ui/Dialog";
import { Field } from "@/components/ui/Field";
import { Facts } from "@/components/ui/Figures";
import { Panel } from "@/components/ui/Panel";
import { EmptyState, InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";

type Limits = NonNullable<FunctionReturnType<typeof api.risk.console.current>>["limits"];
type Name = keyof Limits;

const LIMITS: readonly { name: Name; label: string; unit: string; show: (value: number) => string }[] = [
  {
    name: "maxPositionNotionalUsd",
    label: "Position notional",
    unit: "USD",
    show: (value) => formatUsd(value),
  },
  { name: "maxLeverage", label: "Leverage", unit: "× equity", show: (value) => `${formatNumber(value)} ×` },
  { name: "maxDailyLossUsd", label: "Loss per UTC day", unit: "USD", show: (value) => formatUsd(value) },
  {
    name: "maxDrawdownFraction",
    label: "Drawdown",
    unit: "fraction of the peak",
    show: (value) => formatPercent(value),
  },
  { name: "maxOrdersPerHour", label: "Orders per hour", unit: "orders", show: (value) => formatCount(value) },
  {
    name: "maxBarAgeMs",
    label: "Age of the decision bar",
    unit: "ms",
    show: (value) => formatDuration(value),
  },
];

/** The limits every order is judged by; a change is a new version, never an edit. */
export function RiskLimitsPanel() {
  const current = useQuery(api.risk.console.current, {});
  const refusal = useRefusal("admin");
  const [isEditing, setEditing] = useState(false);
  return (
    <Panel
      title="Risk limits"
      hint={current ? `version ${current.version}` : undefined}
      actions={
        <Button
          size="sm"
          disabled={refusal !== null || !current}
          title={refusal ?? undefined}
          onClick={() => setEditing(true)}
          data-testid="edit-limits"
        >
          <Pencil aria-hidden /> Edit
        </Button>
      }
    >
      {current === undefined ? <SkeletonRows rows={6} /> : null}
      {current === null ? (
        <EmptyState title="No limits set">
          Without limits nothing may trade; an admin sets the first version.
        </EmptyState>
      ) : null}
      {current ? (
        <>
          <Facts rows={LIMITS.map(({ name, label, show }) => [label, show(current.limits[name])])} />
          <p className="mt-2 text-[12px] text-faint">
            Set <Age atMs={current.createdAtMs} /> by {actorName(current.createdBy)}: {current.reason}
          </p>
          <Dialog
            open={isEditing}
            onOpenChange={setEditing}
            title={`Risk limits, version ${current.version + 1}`}
          >
            <LimitsForm limits={current.limits} onDone={() => setEditing(false)} />
          </Dialog>
        </>
      ) : null}
    </Panel>
  );
}

function LimitsForm({ limits, onDone }: { limits: Limits; onDone: () => void }) {
  const set = useSubmit(useMutation(api.risk.console.set));
  const [texts, setTexts] = useState(
    () => Object.fromEntries(LIMITS.map(({ name }) => [name, String(limits[name])])) as Record<Name, string>,
  );
  const [reason, setReason] = useState("");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const bad = LIMITS.find(({ name }) => texts[name].trim() === "" || !Number.isFinite(Number(texts[name])));
    if (bad !== undefined) {
      set.setError(`${bad.label} is not a number`);
      return;
    }
    const next = Object.fromEntries(
      LIMITS.map(({ name }) => [name, Number(texts[name])]),
    ) as unknown as Limits;
    const saved = await set.submit({ limits: { ...limits, ...next }, reason: reason.trim() });
    if (saved !== undefined) onDone();
  };
  return (
    <form onSubmit={submit} className="grid grid-cols-1 gap-3.5 p-4 sm:grid-cols-2">
      {LIMITS.map(({ name, label, unit }) => (
        <Field key={name} label={label} hint={unit}>
          <input
            className="field"
            inputMode="decimal"
            value={texts[name]}
            onChange={(event) => setTexts({ ...texts, [name]: event.target.value })}
          />
        </Field>
      ))}
      <Field label="Reason" hint="kept in the audit log" className="sm:col-span-2">
        <input
          className="field"
          value={reason}
          maxLength={500}
          onChange={(event) => setReason(event.target.value)}
        />
      </Field>
      <div className="flex flex-col gap-3 sm:col-span-2">
        <InlineError message={set.error} />
        <Button
          type="submit"
          tone="primary"
          className="self-end"
          busy={set.isBusy}
          disabled={reason.trim().length < 3}
        >
          Set the new version
        </Button>
      </div>
    </form>
  );
}
