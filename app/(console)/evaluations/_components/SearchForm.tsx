"use client";
import { useMutation } from "convex/react";
import { Plus, SlidersHorizontal, X } from "lucide-react";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { hyperparametersOf, NoRecipe, RecipeFields, useRecipe } from "@/components/domain/RecipeFields";
import { RequestForm } from "@/components/domain/RequestForm";
import { parseRanges, type RangeTexts } from "@/components/domain/search/searchRanges";
import { parseNumberList } from "@/components/domain/walkForward/view";
import { useSubmit } from "@/components/hooks/useSubmit";
import { Button } from "@/components/ui/Button";
import { Select, TextField } from "@/components/ui/Field";
import { api } from "@/convex/_generated/api";

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
  const recipe = useRecipe();
  const request = useSubmit(useMutation(api.searches.console.request));
  const router = useRouter();
  const [ranges, setRanges] = useState<RangeTexts[]>([
    { name: "learningRate", scale: "log", min: "0.00001", max: "0.01" },
  ]);
  const [numbers, setNumbers] = useState(FIRST);
  const [seedTexts, setSeedTexts] = useState("1");
  const [sampler, setSampler] = useState<"random" | "tpe">("random");
  const { datasetId, algorithm } = recipe;
  if (datasetId === undefined) return <NoRecipe recipe={recipe} />;
  const submit = async () => {
    const fixed = hyperparametersOf(recipe);
    if (typeof fixed === "string") return request.setError(fixed);
    const parsed = parseRanges(ranges);
    if (typeof parsed === "string") return request.setError(parsed);
    const trainingSeeds = parseNumberList(seedTexts);
    if (trainingSeeds === null)
      return request.setError("Training seeds must be numbers with commas between them.");
    const bad = NUMBERS.find(
      ([name]) => numbers[name].trim() === "" || !Number.isInteger(Number(numbers[name])),
    );
    if (bad !== undefined) return request.setError(`${bad[1]} must be a whole number.`);
    const counts = Object.fromEntries(NUMBERS.map(([name]) => [name, Number(numbers[name])])) as Record<
      NumberName,
      number
    >;
    const drawn = { fixed, ranges: parsed, trainingSeeds, sampler };
    const searchId = await request.submit({ datasetId, algorithm, ...drawn, ...counts });
    if (searchId !== undefined) router.push(`/evaluations/search/${searchId}`);
  };
  return (
    <RequestForm
      onSubmit={submit}
      error={request.error}
      isBusy={request.isBusy}
      note={
        <p className="text-[12px] text-faint">
          Every configuration of every rung counts as a trial on this market.
        </p>
      }
      label={
        <>
          <SlidersHorizontal aria-hidden /> Search
        </>
      }
      data-testid="search-submit"
    >
      <RecipeFields recipe={recipe} />
      <RangeRows ranges={ranges} onChange={setRanges} />
      {NUMBERS.map(([name, label, hint]) => (
        <TextField
          key={name}
          label={label}
          hint={hint}
          inputMode="numeric"
          value={numbers[name]}
          onChange={(value) => setNumbers({ ...numbers, [name]: value })}
          data-testid={`search-${name}`}
        />
      ))}
      <Select
        label="Configurations of the first rung"
        value={sampler}
        onChange={setSampler}
        options={[
          { value: "random", label: "random draws" },
          { value: "tpe", label: "TPE: scores so far" },
        ]}
        data-testid="search-sampler"
      />
      <TextField label="Training seeds" hint="the median counts" value={seedTexts} onChange={setSeedTexts} />
    </RequestForm>
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
