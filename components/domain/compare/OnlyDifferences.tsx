"use client";
import { useUrlState } from "../../hooks/useUrlState";

/** The switch of a comparison; its state is `only=differences` in the URL. */
export function OnlyDifferences() {
  const { get, set } = useUrlState();
  return (
    <label className="inline-flex h-8 items-center gap-2 text-[13px]">
      <input
        type="checkbox"
        className="size-4 accent-[var(--gold)]"
        checked={get("only") === "differences"}
        onChange={(event) => set({ only: event.target.checked ? "differences" : null })}
        data-testid="only-differences"
      />
      Only differences
    </label>
  );
}
