"use client";
import { useQuery } from "convex/react";
import { useMemo } from "react";
import { api } from "@/convex/_generated/api";
import { bytesToFloat32 } from "@/lib/core/bytes";
import { formatNumber, words } from "../../format";
import { Boundary } from "../../ui/Boundary";
import type { Decision } from "./DecisionDrawer";
import { readManifest } from "./manifest";

/** A bar of this length is the edge of the drawing; normalised features rarely pass it. */
const EDGE = 5;

/** What the policy saw: normalised values by name, exactly as the float32 bytes that are stored. */
export function Observation({ decision }: { decision: Decision }) {
  if (decision.observation.byteLength === 0) {
    return <p className="text-[13px] text-soft">No observation: the features were not ready.</p>;
  }
  return (
    <Boundary>
      <ObservationBars decision={decision} />
    </Boundary>
  );
}

function ObservationBars({ decision }: { decision: Decision }) {
  const version = useQuery(api.agents.console.get, { versionId: decision.provenance.versionId });
  const values = useMemo(() => bytesToFloat32(new Uint8Array(decision.observation)), [decision.observation]);
  const fields = useMemo(() => readManifest(version?.manifest ?? null)?.observationFields ?? [], [version]);
  return (
    <>
      <p className="mb-2 text-[12px] text-faint">
        {values.length} float32 values, in standard deviations of the training data for features.
      </p>
      <ul className="grid grid-cols-1 gap-x-6 gap-y-1 sm:grid-cols-2" data-testid="observation">
        {[...values].map((value, index) => {
          const name = fields[index] ?? `value ${index}`;
          const half = Math.min(1, Math.abs(value) / EDGE) * 50;
          return (
            <li
              key={name}
              className="grid grid-cols-[minmax(0,1fr)_72px_62px] items-center gap-2 text-[12px]"
            >
              <span className="truncate text-soft" title={name}>
                {words(name)}
              </span>
              <span className="relative h-1.5 rounded-full bg-raised" aria-hidden>
                <span className="absolute inset-y-0 left-1/2 w-px bg-strong" />
                <span
                  className="absolute inset-y-0 rounded-full"
                  style={{
                    width: `${half}%`,
                    left: value < 0 ? `${50 - half}%` : "50%",
                    background: value < 0 ? "var(--down)" : "var(--up)",
                  }}
                />
              </span>
              <span className="text-right font-mono text-[11px]">{formatNumber(value, 4)}</span>
            </li>
          );
        })}
      </ul>
    </>
  );
}
