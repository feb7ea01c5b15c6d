"use client";
import type { FunctionArgs } from "convex/server";
import type { api } from "@/convex/_generated/api";
import { Field, Select, TextField } from "../../ui/Field";
import { parseNumberList } from "./view";

export type Plan = FunctionArgs<typeof api.walkForwards.console.requestForVersion>["plan"];

/** The plan as it stands in the form: texts until it is sent. */
export interface PlanTexts {
  folds: string;
  seeds: string;
  costs: string;
  trainPercent: string;
  mode: Plan["mode"];
  probes: boolean;
}

/** What the default gates ask for: at least 4 folds, 5 seeds, costs doubled, and the probes. */
export const DEFAULT_PLAN: PlanTexts = {
  folds: "6",
  seeds: "1, 2, 3, 4, 5",
  costs: "1, 2, 3",
  trainPercent: "50",
  mode: "expanding",
  probes: true,
};

/** The plan, or the sentence that names what cannot be read. The server checks the limits. */
export function parsePlan(texts: PlanTexts): Plan | string {
  const seeds = parseNumberList(texts.seeds);
  if (seeds === null) return "Seeds must be numbers with commas between them, for example 1, 2, 3.";
  const costMultipliers = parseNumberList(texts.costs);
  if (costMultipliers === null)
    return "Costs must be multiples with commas between them, for example 1, 2, 3.";
  const folds = Number(texts.folds);
  if (!Number.isInteger(folds)) return "Folds must be a whole number.";
  const trainFraction = Number(texts.trainPercent) / 100;
  if (!Number.isFinite(trainFraction)) return "The first training must be a percentage of the rows.";
  return { folds, seeds, costMultipliers, trainFraction, mode: texts.mode, probes: texts.probes };
}

interface PlanFieldsProps {
  value: PlanTexts;
  onChange: (value: PlanTexts) => void;
}

/** Folds, seeds, costs, mode and probes; two columns of a form's grid. */
export function PlanFields({ value, onChange }: PlanFieldsProps) {
  const text = (name: "folds" | "seeds" | "costs" | "trainPercent", label: string, hint: string) => (
    <TextField
      label={label}
      hint={hint}
      value={value[name]}
      onChange={(typed) => onChange({ ...value, [name]: typed })}
      data-testid={`plan-${name}`}
    />
  );
  return (
    <>
      {text("folds", "Folds", "test spans")}
      {text("seeds", "Seeds", "each trained in every fold")}
      {text("costs", "Costs", "multiples, with 1")}
      {text("trainPercent", "First training", "% of the rows")}
      <Select
        label="Training window"
        value={value.mode}
        onChange={(mode) => onChange({ ...value, mode })}
        options={[
          { value: "expanding", label: "Everything before" },
          { value: "rolling", label: "A window that moves" },
        ]}
      />
      <Field label="Probes">
        <span className="flex h-9 items-center gap-2 text-[13px]">
          <input
            type="checkbox"
            className="size-4 accent-[var(--gold)]"
            checked={value.probes}
            onChange={(event) => onChange({ ...value, probes: event.target.checked })}
            data-testid="plan-probes"
          />
          Causality, shuffle, planted signal
        </span>
      </Field>
    </>
  );
}
