"use client";
import type { FormEvent, ReactNode } from "react";
import { useRefusal } from "../providers/MemberProvider";
import { Button } from "../ui/Button";
import { InlineError } from "../ui/States";

interface RequestFormProps {
  /** Sends it, or says in `error` what is wrong with it. */
  onSubmit: () => Promise<void>;
  error: string | null;
  isBusy: boolean;
  /** The button: an icon and a verb. */
  label: ReactNode;
  /** What it costs or risks, above the button. */
  note?: ReactNode;
  "data-testid"?: string;
  children: ReactNode;
}

/** A form that an operator sends: two columns of fields, then what is to be known, what went wrong, and the button. */
export function RequestForm({ onSubmit, error, isBusy, label, note, children, ...rest }: RequestFormProps) {
  const refusal = useRefusal("operator");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void onSubmit();
  };
  return (
    <form onSubmit={submit} className="grid grid-cols-2 gap-3.5 p-4">
      {children}
      <div className="col-span-2 flex flex-col gap-3">
        {note}
        <InlineError message={error ?? refusal} />
        <Button
          type="submit"
          tone="primary"
          busy={isBusy}
          disabled={refusal !== null}
          className="self-end"
          {...rest}
        >
          {label}
        </Button>
      </div>
    </form>
  );
}
