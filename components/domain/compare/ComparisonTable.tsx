"use client";
import Link from "next/link";
import type { ReactNode } from "react";
import { cn } from "../../cn";
import { EmptyState } from "../../ui/States";
import type { ComparisonRow } from "./rows";

export interface ComparedColumn {
  key: string;
  name: ReactNode;
  href: string;
  /** Under the name: a status, a hash. */
  note?: ReactNode;
}

interface ComparisonTableProps {
  caption: string;
  columns: readonly ComparedColumn[];
  rows: readonly ComparisonRow[];
  /** What it says when there is no row to show. */
  sameText: string;
}

/** Things side by side, one row a property, in sections; rows that differ say so with a sign and a word. */
export function ComparisonTable({ caption, columns, rows, sameText }: ComparisonTableProps) {
  return (
    <div className="overflow-x-auto">
      <table className="datatable" data-testid="comparison">
        <caption className="sr-only">{caption}; rows that differ are marked</caption>
        <thead>
          <tr>
            <th scope="col" className="sticky left-0 z-10">
              <span className="sr-only">Property</span>
            </th>
            {columns.map((column) => (
              <th key={column.key} scope="col" className="tracking-normal! normal-case">
                <span className="flex flex-col items-start gap-1">
                  <Link href={column.href} className="text-[13px] text-ink underline underline-offset-4">
                    {column.name}
                  </Link>
                  {column.note}
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <ComparisonLine
              key={`${row.section} ${row.label}`}
              row={row}
              heading={rows[index - 1]?.section === row.section ? null : row.section}
            />
          ))}
        </tbody>
      </table>
      {rows.length === 0 ? <EmptyState title="No difference">{sameText}</EmptyState> : null}
    </div>
  );
}

function ComparisonLine({ row, heading }: { row: ComparisonRow; heading: string | null }) {
  return (
    <>
      {heading === null ? null : (
        <tr>
          <th scope="rowgroup" colSpan={row.values.length + 1} className="static! bg-raised!">
            {heading}
          </th>
        </tr>
      )}
      <tr data-differs={row.differs}>
        <th
          scope="row"
          className="sticky left-0 max-w-[44vw] min-w-28 wrap-anywhere text-[12px]! tracking-normal! whitespace-normal! normal-case!"
        >
          {row.label}
          {row.differs ? (
            <span className="ml-1.5 text-gold" title="differs">
              <span aria-hidden>≠</span>
              <span className="sr-only">differs</span>
            </span>
          ) : null}
        </th>
        {row.values.map((value, index) => (
          <td
            // biome-ignore lint/suspicious/noArrayIndexKey: a column is known by its place
            key={index}
            className={cn(
              "max-sm:min-w-40 max-sm:whitespace-normal",
              row.differs ? "font-medium" : "text-soft",
            )}
          >
            {value}
          </td>
        ))}
      </tr>
    </>
  );
}
