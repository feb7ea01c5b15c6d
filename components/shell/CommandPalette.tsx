"use client";
import { useQuery } from "convex/react";
import { useRouter } from "next/navigation";
import { type FormEvent, type KeyboardEvent, useState } from "react";
import { api } from "@/convex/_generated/api";
import { cn } from "../cn";
import { formatCompact, formatDay } from "../format";
import { Dialog } from "../ui/Dialog";
import { PLACES } from "./navigation";
import { type Destination, matchDestinations } from "./paletteMatch";

interface CommandPaletteProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  /** Opens the dialog that stops everything, which shows what it would do and asks for a typed word. */
  onKill: () => void;
  onHelp: () => void;
}

const STOP: Destination = { href: "#stop", label: "Stop everything: engage the kill switch", kind: "action" };
const HELP: Destination = { href: "#help", label: "Keys and display", kind: "action" };

/**
 * Goes to any page, version, run, walk-forward, search or dataset by a few letters, and opens the dialogs of the
 * desk. It only ever opens: what stops or changes something asks in its own dialog.
 */
export function CommandPalette({ open, onOpenChange, onKill, onHelp }: CommandPaletteProps) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title="Go to, or do" data-testid="palette">
      {open ? <Choices onDone={() => onOpenChange(false)} onKill={onKill} onHelp={onHelp} /> : null}
    </Dialog>
  );
}

const SHOWN = 12;

function useDestinations(): Destination[] {
  const versions = useQuery(api.agents.console.list, {});
  const runs = useQuery(api.runs.console.list, {});
  const walkForwards = useQuery(api.walkForwards.console.list, {});
  const searches = useQuery(api.searches.console.list, {});
  const datasets = useQuery(api.datasets.console.list, {});
  return [
    STOP,
    HELP,
    ...PLACES.map(({ href, label }) => ({ href, label, kind: "page" })),
    { href: "/evaluations?view=walk", label: "Walk-forwards", kind: "page" },
    { href: "/evaluations?view=search", label: "Searches", kind: "page" },
    { href: "/learning?view=drift", label: "Drift", kind: "page" },
    { href: "/datasets/compare", label: "Compare datasets", kind: "page" },
    ...(versions ?? []).map((row) => ({ href: `/agents/${row._id}`, label: row.name, kind: "version" })),
    ...(runs ?? []).map((row) => ({ href: `/runs/${row._id}`, label: row.name, kind: "run" })),
    ...(walkForwards ?? []).map((row) => ({
      href: `/evaluations/walk-forward/${row._id}`,
      label: `${row.recipe.algorithm.toUpperCase()} ${row.instrument} ${row.timeframe}, ${formatCompact(row.recipe.steps)} steps, ${formatDay(row.createdAtMs)}`,
      kind: "walk-forward",
    })),
    ...(searches ?? []).map((row) => ({
      href: `/evaluations/search/${row._id}`,
      label: `${row.algorithm.toUpperCase()} over ${row.ranges.map(({ name }) => name).join(", ")}`,
      kind: "search",
    })),
    ...(datasets ?? []).map((row) => ({
      href: `/datasets?dataset=${row._id}`,
      label: `${row.instrument} ${row.timeframe}, ${formatDay(row.fromMs)} to ${formatDay(row.toMs)}`,
      kind: "dataset",
    })),
  ];
}

interface ChoicesProps extends Pick<CommandPaletteProps, "onKill" | "onHelp"> {
  onDone: () => void;
}

function Choices({ onDone, onKill, onHelp }: ChoicesProps) {
  const router = useRouter();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const found = matchDestinations(useDestinations(), typed, SHOWN);
  const go = (place: Destination | undefined) => {
    if (place === undefined) return;
    onDone();
    if (place === STOP) onKill();
    else if (place === HELP) onHelp();
    else router.push(place.href);
  };
  const onKey = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0 || found.length === 0) return;
    event.preventDefault();
    setAt((at + step + found.length) % found.length);
  };
  const onSubmit = (event: FormEvent) => {
    event.preventDefault();
    go(found[at]);
  };
  return (
    <form onSubmit={onSubmit} className="flex flex-col gap-2 p-3">
      <input
        className="field"
        role="combobox"
        aria-label="Page, object or action"
        aria-expanded
        aria-controls="palette-list"
        aria-activedescendant={found[at] === undefined ? undefined : `palette-${at}`}
        placeholder="Page, version, run, dataset, or stop everything"
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKey}
        data-testid="palette-input"
      />
      <div id="palette-list" role="listbox" aria-label="Destinations" className="flex flex-col">
        {found.map((place, index) => (
          <button
            key={place.href}
            id={`palette-${index}`}
            type="button"
            role="option"
            aria-selected={index === at}
            tabIndex={-1}
            onPointerEnter={() => setAt(index)}
            onClick={() => go(place)}
            className={cn(
              "flex min-h-9 items-center gap-3 rounded-md px-3 py-1 text-left text-[13px]",
              index === at ? "bg-raised text-ink" : "text-soft",
            )}
          >
            <span className="min-w-0 flex-1 truncate">{place.label}</span>
            <span className="text-[11px] text-faint">{place.kind}</span>
          </button>
        ))}
      </div>
      {found.length === 0 ? <p className="px-3 py-2 text-[13px] text-soft">Nothing has this name.</p> : null}
    </form>
  );
}
