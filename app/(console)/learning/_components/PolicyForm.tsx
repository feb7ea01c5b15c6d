"use client";
import { useMutation, useQuery } from "convex/react";
import type { FunctionReturnType } from "convex/server";
import { type FormEvent, type ReactNode, useState } from "react";
import { parseNumberList } from "@/components/domain/walkForward/view";
import { useSubmit } from "@/components/hooks/useSubmit";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button } from "@/components/ui/Button";
import { Field, Select } from "@/components/ui/Field";
import { InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import { INSTRUMENTS } from "@/lib/market/instruments";
import { TIMEFRAMES, type Timeframe } from "@/lib/market/types";
import { ALGORITHMS } from "@/lib/policy/algorithms";

type Values = FunctionReturnType<typeof api.learning.console.policy>["values"];
type Action = Values["drift"]["onSevere"];

const ACTIONS: { value: Action; label: string }[] = [
  { value: "alert", label: "Alert only" },
  { value: "sizeCut", label: "Cut the size" },
  { value: "hold", label: "Hold: close only" },
  { value: "fallback", label: "Champion before it" },
];

/** One market's policy; every change is a new version with a reason. */
export function PolicyForm({ onDone }: { onDone: () => void }) {
  const [instrument, setInstrument] = useState(INSTRUMENTS[0]!.symbol);
  const [timeframe, setTimeframe] = useState<Timeframe>("15m");
  const policy = useQuery(api.learning.console.policy, { instrument, timeframe });
  return (
    <div className="flex flex-col gap-4 p-4">
      <div className="grid grid-cols-2 gap-3.5">
        <Select
          label="Instrument"
          value={instrument}
          onChange={setInstrument}
          options={INSTRUMENTS.map(({ symbol }) => ({ value: symbol, label: symbol }))}
        />
        <Select
          label="Timeframe"
          value={timeframe}
          onChange={setTimeframe}
          options={TIMEFRAMES.map((value) => ({ value, label: value }))}
        />
      </div>
      {policy === undefined ? (
        <SkeletonRows rows={8} />
      ) : (
        <ValuesForm
          key={`${instrument} ${timeframe} ${policy.version}`}
          market={{ instrument, timeframe }}
          version={policy.version}
          values={policy.values}
          onDone={onDone}
        />
      )}
    </div>
  );
}

interface NumberField {
  id: string;
  label: string;
  hint: string;
  get: (values: Values) => number;
  set: (values: Values, value: number) => Values;
}

const top = (
  name: "cadenceHours" | "trainingDays" | "evaluationDays" | "steps" | "folds",
  label: string,
  hint: string,
): NumberField => ({
  id: name,
  label,
  hint,
  get: (values) => values[name],
  set: (values, value) => ({ ...values, [name]: value }),
});
const shadow = (name: "minBars" | "maxBars" | "alpha", label: string, hint: string): NumberField => ({
  id: `shadow.${name}`,
  label,
  hint,
  get: (values) => values.shadow[name],
  set: (values, value) => ({ ...values, shadow: { ...values.shadow, [name]: value } }),
});
const drift = (
  name: "windowBars" | "checkEveryBars" | "minPsi" | "dwellChecks" | "sizeFactor",
  label: string,
  hint: string,
): NumberField => ({
  id: `drift.${name}`,
  label,
  hint,
  get: (values) => values.drift[name],
  set: (values, value) => ({ ...values, drift: { ...values.drift, [name]: value } }),
});

const CYCLE_FIELDS = [
  top("cadenceHours", "Cadence", "hours"),
  top("steps", "Steps", "of a training"),
  top("trainingDays", "Trained on", "days"),
  top("evaluationDays", "Judged on", "newest days"),
  top("folds", "Folds", "test spans"),
];
const SHADOW_FIELDS = [
  shadow("minBars", "Verdict from", "bars"),
  shadow("maxBars", "Undecided ends at", "bars"),
  shadow("alpha", "Chance to miss", "alpha"),
];
const DRIFT_FIELDS = [
  drift("windowBars", "Window", "bars"),
  drift("checkEveryBars", "Checked every", "bars"),
  drift("minPsi", "PSI of a drifted feature", "at least"),
  drift("dwellChecks", "Quiet checks", "before a level is left"),
  drift("sizeFactor", "Size cut", "times the size"),
];
const FIELDS = [...CYCLE_FIELDS, ...SHADOW_FIELDS, ...DRIFT_FIELDS];

interface ValuesFormProps {
  market: { instrument: string; timeframe: Timeframe };
  version: number;
  values: Values;
  onDone: () => void;
}

function ValuesForm({ market, version, values, onDone }: ValuesFormProps) {
  const save = useSubmit(useMutation(api.learning.console.setPolicy));
  const refusal = useRefusal("admin");
  const [chosen, setChosen] = useState(values);
  const [texts, setTexts] = useState<Record<string, string>>(() =>
    Object.fromEntries(FIELDS.map(({ id, get }) => [id, String(get(values))])),
  );
  const [seeds, setSeeds] = useState(values.seeds.join(", "));
  const [reason, setReason] = useState("");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const parsedSeeds = parseNumberList(seeds);
    const bad = FIELDS.find(
      ({ id }) => (texts[id] ?? "").trim() === "" || !Number.isFinite(Number(texts[id])),
    );
    if (bad !== undefined) save.setError(`${bad.label} is not a number`);
    else if (parsedSeeds === null) save.setError("Seeds must be numbers with commas between them.");
    else {
      const next = FIELDS.reduce((made, { id, set }) => set(made, Number(texts[id])), {
        ...chosen,
        seeds: parsedSeeds,
      });
      const saved = await save.submit({ ...market, values: next, reason: reason.trim() });
      if (saved !== undefined) onDone();
    }
  };
  const numbers = (fields: readonly NumberField[]) =>
    fields.map(({ id, label, hint }) => (
      <Field key={id} label={label} hint={hint}>
        <input
          className="field"
          inputMode="decimal"
          value={texts[id] ?? ""}
          onChange={(event) => setTexts({ ...texts, [id]: event.target.value })}
          data-testid={`policy-${id}`}
        />
      </Field>
    ));
  return (
    <form onSubmit={submit} className="flex flex-col gap-5">
      <Group title="Cycles">
        <Switch
          label="Start by themselves"
          isOn={chosen.enabled}
          onChange={(enabled) => setChosen({ ...chosen, enabled })}
          testId="policy-enabled"
        />
        <Select
          label="Bars made from"
          value={chosen.sourceTimeframe}
          onChange={(sourceTimeframe) => setChosen({ ...chosen, sourceTimeframe })}
          options={TIMEFRAMES.map((value) => ({ value, label: `${chosen.source}, ${value}` }))}
          data-testid="policy-sourceTimeframe"
        />
        <Select
          label="Algorithm"
          value={chosen.algorithm}
          onChange={(algorithm) => setChosen({ ...chosen, algorithm })}
          options={ALGORITHMS.map((value) => ({ value, label: value.toUpperCase() }))}
        />
        <Field label="Seeds" hint="the first trains the challenger">
          <input
            className="field"
            value={seeds}
            onChange={(event) => setSeeds(event.target.value)}
            data-testid="policy-seeds"
          />
        </Field>
        {numbers(CYCLE_FIELDS)}
        <Switch
          label="Probes"
          isOn={chosen.probes}
          onChange={(probes) => setChosen({ ...chosen, probes })}
          testId="policy-probes"
        />
      </Group>
      <Group title="Shadow">
        <Switch
          label="Before a promotion"
          isOn={chosen.shadow.enabled}
          onChange={(enabled) => setChosen({ ...chosen, shadow: { ...chosen.shadow, enabled } })}
          testId="policy-shadow"
        />
        {numbers(SHADOW_FIELDS)}
      </Group>
      <Group title="Drift">
        <Switch
          label="Watch live runs"
          isOn={chosen.drift.enabled}
          onChange={(enabled) => setChosen({ ...chosen, drift: { ...chosen.drift, enabled } })}
          testId="policy-drift"
        />
        <Switch
          label="Replays too"
          isOn={chosen.drift.replays ?? true}
          onChange={(replays) => setChosen({ ...chosen, drift: { ...chosen.drift, replays } })}
          testId="policy-drift-replays"
        />
        {numbers(DRIFT_FIELDS)}
        <Select
          label="On a warning"
          value={chosen.drift.onWarning}
          onChange={(onWarning) => setChosen({ ...chosen, drift: { ...chosen.drift, onWarning } })}
          options={ACTIONS}
        />
        <Select
          label="When severe"
          value={chosen.drift.onSevere}
          onChange={(onSevere) => setChosen({ ...chosen, drift: { ...chosen.drift, onSevere } })}
          options={ACTIONS}
        />
      </Group>
      <Field label="Reason" hint="kept in the audit log">
        <input
          className="field"
          value={reason}
          maxLength={500}
          onChange={(event) => setReason(event.target.value)}
          data-testid="policy-reason"
        />
      </Field>
      <InlineError message={save.error ?? refusal} />
      <Button
        type="submit"
        tone="primary"
        className="self-end"
        busy={save.isBusy}
        disabled={refusal !== null || reason.trim().length < 3}
        data-testid="policy-submit"
      >
        Set version {version + 1}
      </Button>
    </form>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <fieldset className="grid grid-cols-2 items-end gap-3.5">
      <legend className="eyebrow mb-2">{title}</legend>
      {children}
    </fieldset>
  );
}

interface SwitchProps {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
  testId: string;
}

function Switch({ label, isOn, onChange, testId }: SwitchProps) {
  return (
    <label className="inline-flex h-9 items-center gap-2 text-[13px]">
      <input
        type="checkbox"
        className="size-4 accent-[var(--gold)]"
        checked={isOn}
        onChange={(event) => onChange(event.target.checked)}
        data-testid={testId}
      />
      {label}
    </label>
  );
}
