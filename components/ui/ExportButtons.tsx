"use client";
import { Download, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { csvWriter, EXPORTS, type ExportKind, jsonWriter, pagesOf, type RowPage } from "@/lib/export/rows";
import { errorText } from "../errorText";
import { formatCount } from "../format";
import { Button } from "./Button";
import { InlineError } from "./States";

interface Loaded {
  /** The rows that are on the page anyway. */
  rows: readonly object[] | undefined;
}

interface Paged {
  kind: ExportKind;
  /** Reads a page; all of them are read when a button is pressed. */
  read: (cursor: string | null) => Promise<RowPage>;
  /** How many rows there are, when that is known. */
  total?: number;
}

type ExportButtonsProps = {
  /** Name of the file without its ending. */
  name: string;
  /** Says what the buttons export where there are several. */
  what?: string;
} & (Loaded | Paged);

type Format = "csv" | "json";
const TYPES: Record<Format, string> = { csv: "text/csv", json: "application/json" };

function save(name: string, type: string, parts: string[]): void {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** Rows as a file, with the stored figures in full; many rows are read page by page, with progress and a way out. */
export function ExportButtons(props: ExportButtonsProps) {
  const { name, what } = props;
  const [done, setDone] = useState<number | null>(null);
  const [error, setError] = useState<string | null>(null);
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const isEmpty = "rows" in props ? !props.rows?.length : props.total === 0;
  const run = async (format: Format) => {
    const cancel = new AbortController();
    stop.current = cancel;
    setError(null);
    setDone(0);
    const optional = "rows" in props ? null : EXPORTS[props.kind];
    const pages = "rows" in props ? [props.rows ?? []] : pagesOf(props.read);
    const writer = format === "csv" ? csvWriter(optional) : jsonWriter();
    const parts: string[] = [];
    let count = 0;
    try {
      for await (const page of pages) {
        if (cancel.signal.aborted) return;
        parts.push(writer.text(page));
        count += page.length;
        setDone(count);
      }
      save(`${name}.${format}`, TYPES[format], [...parts, writer.end()]);
    } catch (caught) {
      setError(errorText(caught));
    } finally {
      if (!cancel.signal.aborted) setDone(null);
    }
  };
  if (done !== null && "read" in props) {
    const total = props.total === undefined ? "" : ` of ${formatCount(props.total)}`;
    return (
      <span className="inline-flex items-center gap-1.5 text-[12px] text-soft" role="status">
        {formatCount(done)}
        {total} rows read
        <Button
          size="sm"
          tone="ghost"
          onClick={() => {
            stop.current?.abort();
            setDone(null);
          }}
        >
          <X aria-hidden /> Cancel
        </Button>
      </span>
    );
  }
  return (
    <>
      <InlineError message={error} />
      {(["csv", "json"] as const).map((format) => (
        <Button
          key={format}
          size="sm"
          tone="ghost"
          disabled={isEmpty}
          title={isEmpty ? "There is no row to export" : undefined}
          aria-label={what === undefined ? undefined : `${what} as ${format.toUpperCase()}`}
          onClick={() => void run(format)}
          data-testid={`export-${what === undefined ? "" : `${what.toLowerCase()}-`}${format}`}
        >
          <Download aria-hidden /> {what === undefined ? "" : `${what} `}
          {format.toUpperCase()}
        </Button>
      ))}
    </>
  );
}
