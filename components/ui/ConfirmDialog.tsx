"use client";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { errorText } from "../errorText";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { Field } from "./Field";
import { InlineError } from "./States";

interface ConfirmDialogProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** What will happen, in figures. */
  consequence: ReactNode;
  /** Text the operator must type; absent for acts that can be undone. */
  phrase?: string;
  /** Asks for a reason of at least three characters, which goes to the audit log. */
  asksReason?: boolean;
  confirmLabel: string;
  tone?: "danger" | "primary";
  onConfirm: (reason: string) => Promise<unknown>;
  children?: ReactNode;
  "data-testid"?: string;
}

/** Nothing that moves money or authority happens on one key or one click. */
export function ConfirmDialog(props: ConfirmDialogProps) {
  const { open, onOpenChange, title, consequence, phrase, asksReason, confirmLabel, tone = "danger" } = props;
  const [typed, setTyped] = useState("");
  const [reason, setReason] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  useEffect(() => {
    if (!open) return;
    setTyped("");
    setReason("");
    setError(null);
  }, [open]);

  const isReady =
    (phrase === undefined || typed.trim() === phrase) && (!asksReason || reason.trim().length >= 3);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!isReady) return;
    setIsBusy(true);
    setError(null);
    try {
      await props.onConfirm(reason.trim());
      onOpenChange(false);
    } catch (caught) {
      setError(errorText(caught));
    } finally {
      setIsBusy(false);
    }
  };

  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={title} data-testid={props["data-testid"]}>
      <form onSubmit={submit} className="flex flex-col gap-4 p-4">
        {props.children}
        <div className="rounded-md border border-line bg-raised px-3 py-2.5 text-[13px] text-soft">
          {consequence}
        </div>
        {asksReason ? (
          <Field label="Reason" hint="kept in the audit log">
            <input
              className="field"
              value={reason}
              onChange={(event) => setReason(event.target.value)}
              maxLength={500}
              data-testid="confirm-reason"
            />
          </Field>
        ) : null}
        {phrase !== undefined ? (
          <Field label={`Type ${phrase} to confirm`}>
            <input
              className="field font-mono"
              value={typed}
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => setTyped(event.target.value)}
              data-testid="confirm-phrase"
            />
          </Field>
        ) : null}
        <InlineError message={error} />
        <div className="flex justify-end gap-2">
          <Button tone="ghost" onClick={() => onOpenChange(false)}>
            Keep as it is
          </Button>
          <Button type="submit" tone={tone} disabled={!isReady} busy={isBusy} data-testid="confirm-submit">
            {confirmLabel}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
