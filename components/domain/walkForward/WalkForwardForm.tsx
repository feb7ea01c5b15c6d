"use client";
import { useMutation } from "convex/react";
import { Footprints } from "lucide-react";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import type { Algorithm } from "@/lib/policy/algorithms";
import { formatCount } from "../../format";
import { useSubmit } from "../../hooks/useSubmit";
import { useRefusal } from "../../providers/MemberProvider";
import { Button, LinkButton } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { EmptyState, InlineError, SkeletonRows } from "../../ui/States";
import { AlgorithmFields, DatasetField, overridesProblem, useTrainingDatasets } from "../RecipeFields";
import { DEFAULT_PLAN, PlanFields, type PlanTexts, parsePlan } from "./PlanFields";
import { parseOverrides } from "./view";

/** Walks a version's recipe over its own dataset, beside the champion if there is one. */
export function VersionWalkForwardForm({ versionId }: { versionId: Id<"agentVersions"> }) {
  const request = useSubmit(useMutation(api.walkForwards.console.requestForVersion));
  const [plan, setPlan] = useState(DEFAULT_PLAN);
  const open = useOpen();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const parsed = parsePlan(plan);
    if (typeof parsed === "string") request.setError(parsed);
    else open(await request.submit({ versionId, plan: parsed }));
  };
  return (
    <form onSubmit={submit} className="grid grid-cols-2 gap-3.5 p-4">
      <PlanFields value={plan} onChange={setPlan} />
      <Footer plan={plan} error={request.error} isBusy={request.isBusy} />
    </form>
  );
}

/** Walks a recipe over a dataset before there is any version of it. */
export function DatasetWalkForwardForm() {
  const datasets = useTrainingDatasets();
  const request = useSubmit(useMutation(api.walkForwards.console.requestForDataset));
  const [chosen, setChosen] = useState<Id<"datasets"> | null>(null);
  const [algorithm, setAlgorithm] = useState<Algorithm>("ppo");
  const [overrides, setOverrides] = useState("");
  const [steps, setSteps] = useState("200000");
  const [plan, setPlan] = useState(DEFAULT_PLAN);
  const open = useOpen();
  if (datasets === undefined) return <SkeletonRows rows={6} />;
  const datasetId = chosen ?? datasets[0]?._id;
  if (datasetId === undefined) return <NoDataset />;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const parsed = parsePlan(plan);
    const hyperparameters = parseOverrides(overrides);
    if (typeof parsed === "string") request.setError(parsed);
    else if (!hyperparameters.ok) request.setError(overridesProblem(hyperparameters.part));
    else {
      const made = { algorithm, steps: Number(steps), hyperparameters: hyperparameters.value };
      open(await request.submit({ datasetId, ...made, plan: parsed }));
    }
  };
  return (
    <form onSubmit={submit} className="grid grid-cols-2 gap-3.5 p-4">
      <DatasetField datasets={datasets} value={datasetId} onChange={setChosen} />
      <AlgorithmFields
        algorithm={algorithm}
        onAlgorithm={setAlgorithm}
        overrides={overrides}
        onOverrides={setOverrides}
      />
      <Field label="Environment steps" hint="of every training" className="col-span-2">
        <input
          className="field"
          inputMode="numeric"
          value={steps}
          onChange={(event) => setSteps(event.target.value)}
          data-testid="walk-steps"
        />
      </Field>
      <PlanFields value={plan} onChange={setPlan} />
      <Footer plan={plan} error={request.error} isBusy={request.isBusy} />
    </form>
  );
}

export function NoDataset() {
  return (
    <EmptyState
      title="No dataset to train on"
      action={<LinkButton href="/datasets?build=1">Build a dataset</LinkButton>}
    >
      A training needs a dataset whose quality is not failed.
    </EmptyState>
  );
}

function useOpen() {
  const router = useRouter();
  return (requested: { walkForwardId: Id<"walkForwards"> } | undefined) => {
    if (requested !== undefined) router.push(`/evaluations/walk-forward/${requested.walkForwardId}`);
  };
}

function Footer({ plan, error, isBusy }: { plan: PlanTexts; error: string | null; isBusy: boolean }) {
  const refusal = useRefusal("operator");
  const parsed = parsePlan(plan);
  return (
    <div className="col-span-2 flex flex-col gap-3">
      <p className="text-[12px] text-faint">
        {typeof parsed === "string" ? null : `${formatCount(parsed.folds * parsed.seeds.length)} trainings. `}
        It counts as one trial on this market, and the gates get stricter with each.
      </p>
      <InlineError message={error ?? refusal} />
      <Button
        type="submit"
        tone="primary"
        busy={isBusy}
        disabled={refusal !== null}
        className="self-end"
        data-testid="walk-submit"
      >
        <Footprints aria-hidden /> Walk forward
      </Button>
    </div>
  );
}
