"use client";
import { useMutation } from "convex/react";
import { Footprints } from "lucide-react";
import { useRouter } from "next/navigation";
import { type ReactNode, useState } from "react";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import { formatCount } from "../../format";
import { useSubmit } from "../../hooks/useSubmit";
import { TextField } from "../../ui/Field";
import { hyperparametersOf, NoRecipe, RecipeFields, useRecipe } from "../RecipeFields";
import { RequestForm } from "../RequestForm";
import { DEFAULT_PLAN, type Plan, PlanFields, parsePlan } from "./PlanFields";

/** Walks a version's recipe over its own dataset, beside the champion if there is one. */
export function VersionWalkForwardForm({ versionId }: { versionId: Id<"agentVersions"> }) {
  const request = useSubmit(useMutation(api.walkForwards.console.requestForVersion));
  return <PlanForm request={request} send={(plan) => request.submit({ versionId, plan })} />;
}

/** Walks a recipe over a dataset before there is any version of it. */
export function DatasetWalkForwardForm() {
  const recipe = useRecipe();
  const request = useSubmit(useMutation(api.walkForwards.console.requestForDataset));
  const [steps, setSteps] = useState("200000");
  const { datasetId, algorithm } = recipe;
  if (datasetId === undefined) return <NoRecipe recipe={recipe} />;
  const send = async (plan: Plan) => {
    const hyperparameters = hyperparametersOf(recipe);
    if (typeof hyperparameters === "string") return request.setError(hyperparameters);
    return request.submit({ datasetId, algorithm, steps: Number(steps), hyperparameters, plan });
  };
  return (
    <PlanForm request={request} send={send}>
      <RecipeFields recipe={recipe} />
      <TextField
        label="Environment steps"
        hint="of every training"
        className="col-span-2"
        inputMode="numeric"
        value={steps}
        onChange={setSteps}
        data-testid="walk-steps"
      />
    </PlanForm>
  );
}

interface PlanFormProps {
  request: { error: string | null; isBusy: boolean; setError: (message: string) => void };
  // biome-ignore lint/suspicious/noConfusingVoidType: a refused form answers nothing
  send: (plan: Plan) => Promise<{ walkForwardId: Id<"walkForwards"> } | undefined | void>;
  children?: ReactNode;
}

/** The plan and how much it is, under whatever says what to walk; opens the walk-forward once it is queued. */
function PlanForm({ request, send, children }: PlanFormProps) {
  const router = useRouter();
  const [texts, setTexts] = useState(DEFAULT_PLAN);
  const plan = parsePlan(texts);
  const submit = async () => {
    if (typeof plan === "string") return request.setError(plan);
    const requested = await send(plan);
    if (requested) router.push(`/evaluations/walk-forward/${requested.walkForwardId}`);
  };
  return (
    <RequestForm
      onSubmit={submit}
      error={request.error}
      isBusy={request.isBusy}
      note={
        <p className="text-[12px] text-faint">
          {typeof plan === "string" ? null : `${formatCount(plan.folds * plan.seeds.length)} trainings. `}
          It counts as one trial on this market, and the gates get stricter with each.
        </p>
      }
      label={
        <>
          <Footprints aria-hidden /> Walk forward
        </>
      }
      data-testid="walk-submit"
    >
      {children}
      <PlanFields value={texts} onChange={setTexts} />
    </RequestForm>
  );
}
