"use client";
import { useQuery } from "convex/react";
import { Download, GitCompareArrows, Sparkles } from "lucide-react";
import { StatusChip } from "@/components/domain/chips";
import { formatBytes, formatCount, formatPercent, formatTimeExact } from "@/components/format";
import { usePreferences } from "@/components/providers/PreferencesProvider";
import { Boundary } from "@/components/ui/Boundary";
import { LinkButton } from "@/components/ui/Button";
import { Hash } from "@/components/ui/CopyText";
import { Dialog } from "@/components/ui/Dialog";
import { Facts } from "@/components/ui/Figures";
import { SkeletonRows } from "@/components/ui/States";
import { api } from "@/convex/_generated/api";
import type { Id } from "@/convex/_generated/dataModel";
import type { DatasetManifestCore } from "@/lib/dataset/types";

interface DatasetDrawerProps {
  datasetId: string | null;
  onClose: () => void;
}

export function DatasetDrawer({ datasetId, onClose }: DatasetDrawerProps) {
  return (
    <Dialog
      kind="drawer"
      open={datasetId !== null}
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
      title="Dataset"
      data-testid="dataset-drawer"
    >
      {datasetId === null ? null : (
        <Boundary key={datasetId}>
          <Body datasetId={datasetId as Id<"datasets">} />
        </Boundary>
      )}
    </Dialog>
  );
}

function Body({ datasetId }: { datasetId: Id<"datasets"> }) {
  const dataset = useQuery(api.datasets.console.get, { datasetId });
  const versions = useQuery(api.agents.console.list, {});
  const { zone } = usePreferences();
  if (dataset === undefined) return <SkeletonRows rows={12} />;
  const { quality } = dataset;
  const users = (versions ?? []).filter((version) => version.datasetId === datasetId);
  return (
    <div className="flex flex-col gap-4 p-4">
      <div className="flex flex-wrap items-center gap-2">
        <span className="text-[15px] font-semibold">
          {dataset.instrument} {dataset.timeframe}
        </span>
        <StatusChip status={quality.verdict} />
        <span className="ml-auto flex flex-wrap gap-2">
          {dataset.url === null ? null : (
            <a
              className="inline-flex h-7 items-center gap-1.5 rounded-md border border-line bg-raised px-2.5 text-[12px] font-medium hover:border-strong"
              href={dataset.url}
              download={`${dataset.datasetHash}.parquet`}
            >
              <Download className="size-4" aria-hidden /> Parquet, {formatBytes(dataset.bytes)}
            </a>
          )}
          <LinkButton size="sm" href={`/datasets/compare?ids=${dataset._id},`}>
            <GitCompareArrows aria-hidden /> Compare
          </LinkButton>
          {dataset.purpose === "training" ? (
            <LinkButton tone="primary" size="sm" href={`/agents?train=${dataset._id}`}>
              <Sparkles aria-hidden /> Train on this
            </LinkButton>
          ) : null}
        </span>
      </div>
      <Facts
        rows={[
          ["Dataset hash", <Hash key="h" value={dataset.datasetHash} />],
          ["Parquet SHA-256", <Hash key="p" value={dataset.parquetSha256} />],
          ["Features", `${dataset.featureSetId}, ${formatCount(dataset.featureCount)} columns`],
          ["Feature fingerprint", <Hash key="f" value={dataset.featureFingerprint} />],
          ["Source", dataset.source],
          ["From", formatTimeExact(dataset.fromMs, zone)],
          ["To, not included", formatTimeExact(dataset.toMs, zone)],
          ["Rows", formatCount(dataset.rows)],
          ["Feeds beside the bars", feedsOf(dataset.manifest)],
          ["Coverage", formatPercent(quality.coveragePct / 100)],
          [
            "Bars present of expected",
            `${formatCount(quality.presentBars)} of ${formatCount(quality.expectedBars)}`,
          ],
          [
            "Unexpected gaps",
            `${formatCount(quality.gaps)}, ${formatCount(quality.missingBars)} bars missing`,
          ],
          [
            "Used by",
            users.length === 0 ? "no agent version yet" : users.map((version) => version.name).join(", "),
          ],
        ]}
      />
      <Manifest text={dataset.manifest} />
    </div>
  );
}

/** Names and sizes of the feeds that the manifest states. */
function feedsOf(manifest: string): string {
  const { sideFeeds = [] } = JSON.parse(manifest === "" ? "{}" : manifest) as Partial<DatasetManifestCore>;
  if (sideFeeds.length === 0) return "none, absent and flagged so";
  return sideFeeds.map(({ feed, points }) => `${feed} (${formatCount(points)})`).join(", ");
}

/** Entries of a list shown in full; a long range has thousands of parents. */
const PARENTS_SHOWN = 8;

function shorten(_key: string, value: unknown): unknown {
  if (!Array.isArray(value) || value.length <= PARENTS_SHOWN) return value;
  return [...value.slice(0, PARENTS_SHOWN), `and ${value.length - PARENTS_SHOWN} more`];
}

/** Parents and sources exactly as hashed, lists cut short for reading. */
function Manifest({ text }: { text: string }) {
  if (text === "") return null;
  return (
    <details>
      <summary className="eyebrow select-none">Manifest and parents</summary>
      <pre className="mt-2 max-h-[480px] overflow-auto rounded-md border border-line bg-canvas p-3 font-mono text-[11.5px] text-soft">
        {JSON.stringify(JSON.parse(text), shorten, 2)}
      </pre>
    </details>
  );
}
