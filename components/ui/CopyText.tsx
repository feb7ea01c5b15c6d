"use client";
import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { cn } from "../cn";
import { shortHash } from "../format";

/** A small button that copies; it says so for two seconds. */
export function CopyText({ text, label, className }: { text: string; label: string; className?: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setIsCopied(true);
    setTimeout(() => setIsCopied(false), 2000);
  };
  return (
    <button
      type="button"
      onClick={(event) => {
        event.stopPropagation();
        void copy();
      }}
      aria-label={isCopied ? "Copied" : label}
      title={isCopied ? "Copied" : label}
      className={cn(
        "inline-flex size-6 shrink-0 items-center justify-center rounded text-faint hover:bg-raised hover:text-ink",
        className,
      )}
    >
      {isCopied ? (
        <Check className="size-3.5 text-ok" aria-hidden />
      ) : (
        <Copy className="size-3.5" aria-hidden />
      )}
    </button>
  );
}

/** A hash or an id by its ends, whole on hover, with a copy button. */
export function Hash({ value, head, tail }: { value: string | undefined; head?: number; tail?: number }) {
  if (!value) return <span className="text-faint">—</span>;
  return (
    <span className="inline-flex max-w-full items-center gap-0.5 font-mono text-[12px]">
      <span title={value} className="truncate">
        {shortHash(value, head, tail)}
      </span>
      <CopyText text={value} label={`Copy ${value}`} />
    </span>
  );
}
