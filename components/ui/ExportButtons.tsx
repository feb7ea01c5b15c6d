"use client";
import { Download } from "lucide-react";
import { toCsv } from "../exportRows";
import { Button } from "./Button";

interface ExportButtonsProps {
  /** Name of the file without its ending. */
  name: string;
  rows: readonly object[] | undefined;
}

function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** Rows as a file, with the stored figures in full. */
export function ExportButtons({ name, rows }: ExportButtonsProps) {
  const isEmpty = rows === undefined || rows.length === 0;
  const title = isEmpty ? "There is no row to export" : undefined;
  return (
    <>
      <Button
        size="sm"
        tone="ghost"
        disabled={isEmpty}
        title={title}
        onClick={() => save(`${name}.csv`, "text/csv", toCsv(rows ?? []))}
        data-testid="export-csv"
      >
        <Download aria-hidden /> CSV
      </Button>
      <Button
        size="sm"
        tone="ghost"
        disabled={isEmpty}
        title={title}
        onClick={() => save(`${name}.json`, "application/json", JSON.stringify(rows, null, 2))}
      >
        <Download aria-hidden /> JSON
      </Button>
    </>
  );
}
