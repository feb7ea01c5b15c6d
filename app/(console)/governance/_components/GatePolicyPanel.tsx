"use client";
import { useMutation, useQuery } from "convex/react";
import { Pencil } from "lucide-react";
import { type FormEvent, useState } from "react";
import { Age } from "@/components/domain/Age";
import { subjectName } from "@/components/domain/walkForward/view";
import { actorName } from "@/components/format";
import { useSubmit } from "@/components/hooks/useSubmit";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button } from "@/components/ui/Button";
import { Dialog } from "@/components/ui/Dialog";
import { Field } from "@/components/ui/Field";
import { Facts } from "@/components/ui/Figures";
import { Panel } from "@/components/ui/Panel";
import { InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { DEFAULT_GATE_POLICY } from "@/lib/stats/gates";
import { BASELINE_NAMES } from "@/lib/stats/reportTypes";
import { changesBetween, EVALUATION_GATES, type GateValues, WALK_FORWARD_GATES } from "./gateFields";

/** The thresholds that a version must pass to become champion; a change is a new version, never an edit. */
export function GatePolicyPanel() {
  const policy = useQuery(api.governance.console.gatePolicy, {});
  const history = useQuery(api.governance.console.gatePolicyHistory, {});
  const refusal = useRefusal("admin");
  const [isEditing, setEditing] = useState(false);
  const newest = history?.[0];
  return (
    <Panel
      title="Gate policy"
      hint={policy ? `version ${policy.version} in force` : undefined}
      data-testid="gate-policy"
      actions={
        <Button
          size="sm"
          disabled={refusal !== null || policy === undefined}
          title={refusal ?? undefined}
          onClick={() => setEditing(true)}
          data-testid="edit-gates"
        >
          <Pencil aria-hidden /> Edit
        </Button>
      }
    >
      {policy === undefined ? (
        <SkeletonRows rows={8} />
      ) : (
        <>
          <div className="grid min-w-0 grid-cols-1 gap-x-8 gap-y-4 md:grid-cols-2">
            <section className="min-w-0">
              <h3 className="eyebrow mb-1">One evaluation</h3>
              <Facts
                rows={[
                  ...EVALUATION_GATES.map(
                    ({ label, get, show }) => [label, show(get(policy.values))] as const,
                  ),
                  ["Beats", policy.values.beatsBaselines.map(subjectName).join(", ") || "no baseline"],
                ]}
              />
            </section>
            <section className="min-w-0">
              <h3 className="eyebrow mb-1">Walk-forward</h3>
              <Facts
                rows={WALK_FORWARD_GATES.map(
                  ({ label, get, show }) => [label, show(get(policy.values))] as const,
                )}
              />
            </section>
          </div>
          {newest === undefined ? (
            <p className="mt-3 text-[12px] text-faint">
              The defaults that ship with the desk; nobody has set others.
            </p>
          ) : (
            <History rows={history ?? []} />
          )}
          <Dialog
            open={isEditing}
            onOpenChange={setEditing}
            title={`Gate policy, version ${policy.version + 1}`}
            description="Earlier verdicts keep their version"
          >
            <GateForm values={policy.values} onDone={() => setEditing(false)} />
          </Dialog>
        </>
      )}
    </Panel>
  );
}

interface Version {
  _id: string;
  version: number;
  values: GateValues;
  reason: string;
  actor: string;
  atMs: number;
}

function History({ rows }: { rows: readonly Version[] }) {
  return (
    <details className="mt-3 border-t border-line pt-2" open>
      <summary className="eyebrow select-none">History</summary>
      <ol className="mt-1 divide-y divide-line/60">
        {rows.slice(0, 10).map((row, index) => {
          const { id: _id, version: _version, ...shipped } = DEFAULT_GATE_POLICY;
          const changes = changesBetween(rows[index + 1]?.values ?? shipped, row.values);
          return (
            <li key={row._id} className="py-2 text-[13px]">
              <p>
                Version {row.version}: {row.reason}{" "}
                <span className="text-[12px] text-faint">
                  <Age atMs={row.atMs} /> by {actorName(row.actor)}
                </span>
              </p>
              <p className="text-[12px] text-soft">{changes.join("; ") || "no threshold differs"}</p>
            </li>
          );
        })}
      </ol>
    </details>
  );
}

const FIELDS = [...EVALUATION_GATES, ...WALK_FORWARD_GATES];

function GateForm({ values, onDone }: { values: GateValues; onDone: () => void }) {
  const save = useSubmit(useMutation(api.governance.console.setGatePolicy));
  const [texts, setTexts] = useState<Record<string, string>>(() =>
    Object.fromEntries(FIELDS.map(({ id, get }) => [id, String(get(values))])),
  );
  const [beats, setBeats] = useState(values.beatsBaselines);
  const [reason, setReason] = useState("");
  const textOf = (id: string) => texts[id] ?? "";
  const bad = FIELDS.find(({ id }) => textOf(id).trim() === "" || !Number.isFinite(Number(textOf(id))));
  const next = FIELDS.reduce((made, { id, set }) => set(made, Number(textOf(id))), {
    ...values,
    beatsBaselines: beats,
  });
  const changes = bad === undefined ? changesBetween(values, next) : [];
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (bad !== undefined) {
      save.setError(`${bad.label} is not a number`);
      return;
    }
    const saved = await save.submit({ values: next, reason: reason.trim() });
    if (saved !== undefined) onDone();
  };
  const group = (title: string, fields: typeof FIELDS) => (
    <fieldset className="grid grid-cols-1 gap-3.5 sm:col-span-2 sm:grid-cols-2">
      <legend className="eyebrow mb-2">{title}</legend>
      {fields.map(({ id, label, unit }) => (
        <Field key={id} label={label} hint={unit}>
          <input
            className="field"
            inputMode="decimal"
            value={textOf(id)}
            onChange={(event) => setTexts({ ...texts, [id]: event.target.value })}
            data-testid={`gate-${id}`}
          />
        </Field>
      ))}
    </fieldset>
  );
  return (
    <form onSubmit={submit} className="grid grid-cols-1 gap-5 p-4 sm:grid-cols-2">
      {group("One evaluation", [...EVALUATION_GATES])}
      <fieldset className="flex flex-wrap gap-x-4 gap-y-2 sm:col-span-2">
        <legend className="eyebrow mb-2">Baselines to beat</legend>
        {BASELINE_NAMES.map((name) => (
          <label key={name} className="inline-flex h-6 items-center gap-2 text-[13px]">
            <input
              type="checkbox"
              className="size-4 accent-[var(--gold)]"
              checked={beats.includes(name)}
              onChange={(event) =>
                setBeats(
                  BASELINE_NAMES.filter((row) => (row === name ? event.target.checked : beats.includes(row))),
                )
              }
            />
            {subjectName(name)}
          </label>
        ))}
      </fieldset>
      {group("Walk-forward", [...WALK_FORWARD_GATES])}
      <Field label="Reason" hint="kept in the audit log" className="sm:col-span-2">
        <input
          className="field"
          value={reason}
          maxLength={500}
          onChange={(event) => setReason(event.target.value)}
          data-testid="gate-reason"
        />
      </Field>
      <div className="flex flex-col gap-3 sm:col-span-2">
        <p className="text-[12px] text-soft" aria-live="polite">
          {changes.length === 0 ? "Nothing is changed yet." : `Changes: ${changes.join("; ")}.`}
        </p>
        <InlineError message={save.error} />
        <Button
          type="submit"
          tone="primary"
          className="self-end"
          busy={save.isBusy}
          disabled={reason.trim().length < 3 || (bad === undefined && changes.length === 0)}
          data-testid="gate-submit"
        >
          Set the new version
        </Button>
      </div>
    </form>
  );
}
