"use client";
import type { FunctionReturnType } from "convex/server";
import Link from "next/link";
import { useMemo } from "react";
import { readManifest } from "@/components/domain/decision/manifest";
import { formatBytes, formatCount, formatNumber } from "@/components/format";
import { CopyText, Hash } from "@/components/ui/CopyText";
import { Facts } from "@/components/ui/Figures";
import { Panel } from "@/components/ui/Panel";
import { EmptyState } from "@/components/ui/States";
import type { api } from "@/convex/_generated/api";

type Version = FunctionReturnType<typeof api.agents.console.get>;

/** What the version is made of: enough to trust it, load it and make it again. */
export function ArtifactPanel({ version }: { version: Version }) {
  const manifest = useMemo(() => readManifest(version.manifest), [version.manifest]);
  if (manifest === null) {
    return (
      <Panel title="Artifact">
        <EmptyState title="No artifact yet">
          It is made, hashed and checked when the training ends.
        </EmptyState>
      </Panel>
    );
  }
  const { network } = manifest;
  const { encoder } = network;
  const encoded = encoder
    ? [`${encoder.groups.map(({ name }) => name).join(" + ")} × ${encoder.units}`, encoder.fusionUnits]
    : [];
  const shape = [network.observationSize, ...encoded, ...network.hiddenSizes, network.actionCount].join(
    " → ",
  );
  return (
    <Panel title="Artifact" hint="opens in any TensorFlow.js program">
      <Facts
        rows={[
          ["Checksum", <Hash key="c" value={version.artifactSha256} />],
          [
            "Training dataset",
            <span key="d" className="inline-flex items-center gap-2">
              <Link href={`/datasets?dataset=${version.datasetId}`} className="underline underline-offset-4">
                open
              </Link>
              <Hash value={version.datasetHash} />
            </span>,
          ],
          [
            "Features",
            `${manifest.featureSetId}, ${formatCount(manifest.observationFields.length)} observation fields`,
          ],
          ["Feature fingerprint", <Hash key="f" value={manifest.featureFingerprint} />],
          ["Environment", <Hash key="e" value={manifest.environmentHash} />],
          [
            "Execution costs",
            <span
              key="x"
              className="inline-flex max-w-full min-w-0 flex-wrap items-center justify-end gap-x-2"
            >
              <span className="truncate">{version.costModelId ?? "as in the environment"}</span>
              {version.costModelHash === undefined ? null : <Hash value={version.costModelHash} />}
            </span>,
          ],
          ["Network", `${shape}, ${network.activation}`],
          ["Kernel", `trained with ${manifest.trainedWithKernel}, decides with ${manifest.kernelVersion}`],
          ["Golden vectors", `${formatCount(manifest.golden.length)} outputs that must come out to the bit`],
          ...version.files.map(
            (file) =>
              [
                file.name,
                <span key={file.name} className="inline-flex items-center gap-2">
                  <span className="text-faint">{formatBytes(file.bytes)}</span> <Hash value={file.sha256} />
                </span>,
              ] as const,
          ),
        ]}
      />
      <details className="mt-3">
        <summary className="eyebrow select-none">Hyperparameters</summary>
        <div className="mt-1">
          <Facts
            rows={Object.entries(manifest.hyperparameters).map(([name, value]) => [
              name,
              formatNumber(value, Number.isInteger(value) ? 0 : 4),
            ])}
          />
        </div>
      </details>
      <details className="mt-3">
        <summary className="eyebrow select-none">Environment as trained</summary>
        <div className="relative">
          <CopyText
            text={JSON.stringify(manifest.environment, null, 2)}
            label="Copy environment"
            className="absolute top-3 right-1"
          />
          <pre className="mt-2 max-h-[360px] overflow-auto rounded-md border border-line bg-canvas p-3 font-mono text-[11.5px] text-soft">
            {JSON.stringify(manifest.environment, null, 2)}
          </pre>
        </div>
      </details>
    </Panel>
  );
}
