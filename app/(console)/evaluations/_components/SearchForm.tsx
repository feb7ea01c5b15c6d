"use client";
import { useMutation } from "convex/react";
import { Plus, SlidersHorizontal, X } from "lucide-react";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import {
  AlgorithmFields,
  DatasetField,
  overridesProblem,
  useTrainingDatasets,
} from "@/components/domain/RecipeFields";
import { parseRanges, type RangeTexts } from "@/components/domain/search/searchRanges";
import { parseNumberList, parseOverrides } from "@/components/domain/walkForward/view";
import { NoDataset } from "@/components/domain/walkForward/WalkForwardForm";
import { useSubmit } from "@/components/hooks/useSubmit";
import { useRefusal } from "@/components/providers/MemberProvider";
import { Button } from "@/components/ui/Button";
import { Field } from "@/components/ui/Field";
import { InlineError, SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import type { Algorithm } from "@/lib/policy/algorithms";

const NUMBERS = [
  ["configurations", "Configurations", "first rung"],
  ["firstSteps", "Steps", "first rung"],
  ["rungs", "Rungs", "1 trains all equally long"],
  ["reduction", "Reduction", "keeps one in this many"],
  ["folds", "Folds", "of every trial"],
  ["seed", "Seed", "of the drawing"],
] as const;
type NumberName = (typeof NUMBERS)[number][0];

const FIRST: Record<NumberName, string> = {
  configurations: "9",
  firstSteps: "50000",
  rungs: "3",
  reduction: "3",
  folds: "2",
  seed: "1",
};

/** Ranges to draw from and how far each rung goes. */
export function SearchForm() {
  const datasets = useTrainingDatasets();
  const request = useSubmit(useMutation(api.searches.console.request));
  const refusal = useRefusal("operator");
  const router = useRouter();
  const [chosen, setChosen] = useState<Id<"datasets"> | null>(null);
  const [algorithm, setAlgorithm] = useState<Algorithm>("ppo");
  const [overrides, setOverrides] = useState("");
  const [ranges, setRanges] = useState<RangeTexts[]>([
    { name: "learningRate", scale: "log", min: "0.00001", max: "0.01" },
  ]);
  const [numbers, setNumbers] = useState(FIRST);
  const [trainingSeeds, setTrainingSeeds] = useState("1");
  const [sampler, setSampler] = useState<"random" | "tpe">("random");
  if (datasets === undefined) return <SkeletonRows rows={6} />;
  const datasetId = chosen ?? datasets[0]?._id;
  if (datasetId === undefined) return <NoDataset />;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const fixed = parseOverrides(overrides);
    const parsed = parseRanges(ranges);
    const seeds = parseNumberList(trainingSeeds);
    const bad = NUMBERS.find(
      ([name]) => numbers[name].trim() === "" || !Number.isInteger(Number(numbers[name])),
    );
    if (!fixed.ok) request.setError(overridesProblem(fixed.part));
    else if (typeof parsed === "string") request.setError(parsed);
    else if (seeds === null) request.setError("Training seeds must be numbers with commas between them.");
    else if (bad !== undefined) request.setError(`${bad[1]} must be a whole number.`);
    else {
      const counts = Object.fromEntries(NUMBERS.map(([name]) => [name, Number(numbers[name])])) as Record<
        NumberName,
        number
      >;
      const searchId = await request.submit({
        ...{ datasetId, algorithm, fixed: fixed.value, ranges: parsed, trainingSeeds: seeds, sampler },
        ...counts,
      });
      if (searchId !== undefined) router.push(`/evaluations/search/${searchId}`);
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
      <RangeRows ranges={ranges} onChange={setRanges} />
      {NUMBERS.map(([name, label, hint]) => (
        <Field key={name} label={label} hint={hint}>
          <input
            className="field"
            inputMode="numeric"
            value={numbers[name]}
            onChange={(event) => setNumbers({ ...numbers, [name]: event.target.value })}
            data-testid={`search-${name}`}
          />
        </Field>
      ))}
      <Field label="Configurations come from" hint="in the first rung">
        <select
          className="field pr-6"
          value={sampler}
          onChange={(event) => setSampler(event.target.value as "random" | "tpe")}
          data-testid="search-sampler"
        >
          <option value="random">random draws</option>
          <option value="tpe">TPE: scores so far</option>
        </select>
      </Field>
      <Field label="Training seeds" hint="the median counts">
        <input
          className="field"
          value={trainingSeeds}
          onChange={(event) => setTrainingSeeds(event.target.value)}
        />
      </Field>
      <div className="col-span-2 flex flex-col gap-3">
        <p className="text-[12px] text-faint">
          Every configuration of every rung counts as a trial on this market.
        </p>
        <InlineError message={request.error ?? refusal} />
        <Button
          type="submit"
          tone="primary"
          busy={request.isBusy}
          disabled={refusal !== null}
          className="self-end"
          data-testid="search-submit"
        >
          <SlidersHorizontal aria-hidden /> Search
        </Button>
      </div>
    </form>
  );
}

function RangeRows({ ranges, onChange }: { ranges: RangeTexts[]; onChange: (next: RangeTexts[]) => void }) {
  const change = (index: number, changes: Partial<RangeTexts>) =>
    onChange(ranges.map((row, i) => (i === index ? { ...row, ...changes } : row)));
  return (
    <fieldset className="col-span-2 flex flex-col gap-2">
      <legend className="mb-1 text-[12px] font-medium text-soft">Ranges</legend>
      {ranges.map((row, index) => (
        <div
          // biome-ignore lint/suspicious/noArrayIndexKey: a row has no identity but its place
          key={index}
          className="grid grid-cols-[minmax(0,1fr)_minmax(0,1fr)_32px] gap-2 sm:grid-cols-[minmax(0,1.6fr)_96px_minmax(0,1fr)_minmax(0,1fr)_32px]"
        >
          <input
            className="field font-mono"
            aria-label="Hyperparameter"
            placeholder="learningRate"
            spellCheck={false}
            value={row.name}
            onChange={(event) => change(index, { name: event.target.value })}
          />
          <select
            className="field pr-6"
            aria-label="Scale"
            value={row.scale}
            onChange={(event) => change(index, { scale: event.target.value as RangeTexts["scale"] })}
          >
            {["linear", "log", "integer", "choice"].map((scale) => (
              <option key={scale}>{scale}</option>
            ))}
          </select>
          <input
            className={row.scale === "choice" ? "field sm:col-span-2" : "field max-sm:row-start-2"}
            aria-label={row.scale === "choice" ? "Choices" : "Lowest"}
            placeholder={row.scale === "choice" ? "1, 3, 5" : "lowest"}
            value={row.min}
            onChange={(event) => change(index, { min: event.target.value })}
          />
          {row.scale === "choice" ? null : (
            <input
              className="field max-sm:row-start-2"
              aria-label="Highest"
              placeholder="highest"
              value={row.max}
              onChange={(event) => change(index, { max: event.target.value })}
            />
          )}
          <button
            type="button"
            aria-label={`Remove the range of ${row.name || "this row"}`}
            disabled={ranges.length === 1}
            onClick={() => onChange(ranges.filter((_, i) => i !== index))}
            className="inline-flex h-9 items-center justify-center rounded-md text-faint hover:bg-raised hover:text-ink disabled:opacity-40 max-sm:col-start-3 max-sm:row-start-1"
          >
            <X className="size-4" aria-hidden />
          </button>
        </div>
      ))}
      <Button
        size="sm"
        tone="ghost"
        className="self-start"
        onClick={() => onChange([...ranges, { name: "", scale: "linear", min: "", max: "" }])}
      >
        <Plus aria-hidden /> Another range
      </Button>
    </fieldset>
  );
}
