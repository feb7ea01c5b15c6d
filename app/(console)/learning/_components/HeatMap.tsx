"use client";
import type { FunctionReturnType } from "convex/server";
import { useState } from "react";
import { cn } from "@/components/cn";
import { formatDay, formatNumber, words } from "@/components/format";
import { Button } from "@/components/ui/Button";
import type { api } from "@/convex/_generated/api";

type Data = FunctionReturnType<typeof api.drift.console.heatMap>;

const FIRST_ROWS = 16;
const DAYS = 31;

/** The usual bands of the population stability index: below 0.1 stable, above 0.25 moved. */
function bandOf(psi: number | null): { word: string; mark: string; look: string } {
  if (psi === null) return { word: "no check", mark: "", look: "bg-transparent" };
  if (psi < 0.1) return { word: "stable", mark: "·", look: "bg-ok/12 text-ok" };
  if (psi < 0.25) return { word: "shifting", mark: "▪", look: "bg-warn/18 text-warn" };
  return { word: "moved", mark: "■", look: "bg-bad/22 text-bad" };
}

function newestFirst<Item>(items: readonly Item[]): Item[] {
  return items.slice(-DAYS).reverse();
}

/** Features by day, the newest day first. A mark, the number and a ring say what the colour says. */
export function HeatMap({ data }: { data: Data }) {
  const [isWhole, setWhole] = useState(false);
  const days = newestFirst(data.dayMs);
  const rows = data.features
    .map((feature) => ({
      name: feature.name,
      psi: newestFirst(feature.psi),
      drifted: newestFirst(feature.drifted),
      worst: Math.max(0, ...newestFirst(feature.psi).map((value) => value ?? 0)),
    }))
    .sort((a, b) => b.worst - a.worst);
  const shown = isWhole ? rows : rows.slice(0, FIRST_ROWS);
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <p className="flex flex-wrap gap-x-4 gap-y-1 text-[12px] text-soft">
        <span>· below 0.10 stable</span>
        <span>▪ 0.10 to 0.25 shifting</span>
        <span>■ above 0.25 moved</span>
        <span>ring: PSI and KS test agree that it drifted</span>
      </p>
      <div className="overflow-x-auto">
        <table className="border-separate border-spacing-0.5 text-[11px]" data-testid="heat-map">
          <caption className="sr-only">PSI of each feature by day</caption>
          <thead>
            <tr>
              <th scope="col" className="sticky left-0 bg-panel pr-3 text-left font-medium text-faint">
                Feature, worst first
              </th>
              {days.map((day) => (
                <th key={day} scope="col" className="px-0.5 font-normal text-faint">
                  {formatDay(day).slice(5)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.name}>
                <th
                  scope="row"
                  className="sticky left-0 max-w-[38vw] truncate bg-panel pr-3 text-left text-[12px] font-normal text-soft"
                >
                  {words(row.name)}
                </th>
                {days.map((day, index) => {
                  const psi = row.psi[index] ?? null;
                  const { word, mark, look } = bandOf(psi);
                  const hasDrifted = row.drifted[index] === true;
                  return (
                    <td
                      key={day}
                      title={`${words(row.name)}, ${formatDay(day)}: ${psi === null ? word : `PSI ${formatNumber(psi, 3)}, ${word}`}${hasDrifted ? ", drifted" : ""}`}
                      className={cn(
                        "h-6 min-w-11 rounded-sm px-1 text-center whitespace-nowrap",
                        look,
                        hasDrifted && "ring-1 ring-bad ring-inset",
                      )}
                    >
                      {psi === null ? "" : `${mark} ${formatNumber(psi, 2)}`}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > FIRST_ROWS ? (
        <Button size="sm" tone="ghost" className="self-start" onClick={() => setWhole(!isWhole)}>
          {isWhole ? `Only the ${FIRST_ROWS} worst` : `All ${rows.length} features`}
        </Button>
      ) : null}
    </div>
  );
}
