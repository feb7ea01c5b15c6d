"use client";
import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { cn } from "../cn";

/** A question starts at its first control, a detail view at its top; never at the close button. */
function focusFirstControl(event: Event): void {
  const content = event.currentTarget;
  if (!(content instanceof HTMLElement)) return;
  event.preventDefault();
  const control = content.querySelector<HTMLElement>("form input, form select, form textarea");
  (control ?? content).focus();
}

interface DialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: ReactNode;
  description?: string;
  children: ReactNode;
  /** A side sheet for details, a centred box for questions. */
  kind?: "drawer" | "box";
  "data-testid"?: string;
}

/** Modal with focus kept inside, Esc to close and focus returned. */
export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  children,
  kind = "box",
  ...rest
}: DialogProps) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/55" />
        <Radix.Content
          onOpenAutoFocus={focusFirstControl}
          {...rest}
          {...(description ? {} : { "aria-describedby": undefined })}
          className={cn(
            "fixed z-50 flex flex-col border-line bg-panel shadow-2xl outline-none",
            kind === "drawer"
              ? "drawer inset-y-0 right-0 w-full max-w-[720px] border-l"
              : "inset-x-3 top-[8vh] mx-auto max-h-[84vh] max-w-[520px] rounded-xl border",
          )}
        >
          <header className="flex min-h-13 items-center gap-3 border-b border-line px-4 py-2">
            <div className="min-w-0 flex-1">
              <Radix.Title className="text-[15px] font-semibold">{title}</Radix.Title>
              {description ? (
                <Radix.Description className="text-[12px] text-faint">{description}</Radix.Description>
              ) : null}
            </div>
            <Radix.Close
              aria-label="Close"
              className="inline-flex size-8 shrink-0 items-center justify-center rounded-md text-soft hover:bg-raised hover:text-ink"
            >
              <X className="size-4" aria-hidden />
            </Radix.Close>
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto overscroll-contain">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
