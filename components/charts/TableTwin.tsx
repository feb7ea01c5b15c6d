"use client";
import { Table2 } from "lucide-react";
import { useState } from "react";
import { type Column, DataTable } from "../ui/DataTable";

interface TableTwinProps<Row> {
  caption: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Newest rows shown; a table of thousands helps nobody. */
  limit?: number;
}

/** The same data as the chart above it, as a table; built only when it is opened. */
export function TableTwin<Row>({ caption, columns, rows, rowKey, limit = 200 }: TableTwinProps<Row>) {
  const [isOpen, setOpen] = useState(false);
  const shown = isOpen ? rows.slice(-limit).reverse() : [];
  return (
    <details className="border-t border-line" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="flex items-center gap-2 px-4 py-2 text-[12px] text-faint select-none hover:text-soft">
        <Table2 className="size-3.5" aria-hidden /> As a table
        {rows.length > limit ? (
          <span>
            (newest {limit} of {rows.length.toLocaleString("en-US")})
          </span>
        ) : null}
      </summary>
      {isOpen ? (
        <DataTable caption={caption} columns={columns} rows={shown} rowKey={rowKey} maxHeight="320px" />
      ) : null}
    </details>
  );
}
