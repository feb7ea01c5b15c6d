import type { ReactNode } from "react";
import { cn } from "../cn";

interface FieldProps {
  label: string;
  hint?: ReactNode;
  className?: string;
  children: ReactNode;
}

/** A control with its label; the label is the click target too. */
export function Field({ label, hint, className, children }: FieldProps) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child
    <label className={cn("flex min-w-0 flex-col gap-1", className)}>
      <span className="flex items-baseline gap-2 text-[12px] font-medium text-soft">
        {label}
        {hint ? <span className="font-normal text-faint">{hint}</span> : null}
      </span>
      {children}
    </label>
  );
}

interface TextFieldProps {
  label: string;
  hint?: ReactNode;
  value: string;
  onChange: (value: string) => void;
  inputMode?: "numeric" | "decimal";
  className?: string;
  "data-testid"?: string;
}

/** A text or a number as it is typed; whoever sends it reads it. */
export function TextField({ label, hint, value, onChange, className, ...rest }: TextFieldProps) {
  return (
    <Field label={label} hint={hint} className={className}>
      <input className="field" value={value} onChange={(event) => onChange(event.target.value)} {...rest} />
    </Field>
  );
}

interface SelectProps<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string }[];
  onChange: (value: T) => void;
  /** Hides the label from sight, for pickers in a toolbar. */
  isBare?: boolean;
  className?: string;
  "data-testid"?: string;
  "data-filter"?: boolean;
}

/** The platform's own select: it works with every keyboard, screen reader and phone. */
export function Select<T extends string>({
  label,
  value,
  options,
  onChange,
  isBare,
  className,
  ...rest
}: SelectProps<T>) {
  const control = (
    <select
      className={cn("field pr-7", isBare && "h-8 w-auto max-w-[min(100%,340px)]", className)}
      value={value}
      aria-label={isBare ? label : undefined}
      onChange={(event) => onChange(event.target.value as T)}
      {...rest}
    >
      {options.map((option) => (
        <option key={option.value} value={option.value}>
          {option.label}
        </option>
      ))}
    </select>
  );
  return isBare ? control : <Field label={label}>{control}</Field>;
}
