"use client";
import type { KeyboardEvent, ReactNode } from "react";
import { cn } from "../cn";

export interface Column<Row> {
  id: string;
  header: string;
  cell: (row: Row) => ReactNode;
  /** Right-aligned figures. */
  numeric?: boolean;
  /** The cell that names the row; it leads the card on narrow screens. */
  lead?: boolean;
  /** Takes the whole width of the card. */
  wide?: boolean;
  /** Left out of the card on narrow screens, because what opens shows it. */
  desktopOnly?: boolean;
  className?: string;
}

interface DataTableProps<Row> {
  caption: string;
  columns: Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  onOpen?: (row: Row) => void;
  isSelected?: (row: Row) => boolean;
  rowTestId?: string;
  /** Height limit in CSS; the table then scrolls inside its box. */
  maxHeight?: string;
}

/** Rows that open with a click, Enter, or after moving with j and k; cards under 640 px. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { caption, columns, rows, rowKey, onOpen, isSelected, rowTestId, maxHeight } = props;
  const onKey = (event: KeyboardEvent, row: Row) => {
    if (event.key !== "Enter" || event.target !== event.currentTarget) return;
    event.preventDefault();
    onOpen?.(row);
  };
  return (
    <div className="relative min-w-0 overflow-auto" style={maxHeight ? { maxHeight } : undefined}>
      <table className="datatable cards">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.id} scope="col" className={cn(column.numeric && "num")}>
                {column.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={rowKey(row)}
              data-row
              data-testid={rowTestId}
              data-id={rowKey(row)}
              tabIndex={onOpen ? 0 : undefined}
              aria-selected={isSelected ? isSelected(row) : undefined}
              className={onOpen ? "cursor-pointer" : undefined}
              onClick={onOpen ? () => onOpen(row) : undefined}
              onKeyDown={onOpen ? (event) => onKey(event, row) : undefined}
            >
              {columns.map((column) => (
                <td
                  key={column.id}
                  data-label={column.header}
                  className={cn(
                    column.numeric && "num",
                    column.lead && "lead",
                    column.wide && "wide",
                    column.desktopOnly && "max-sm:hidden",
                    column.className,
                  )}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
