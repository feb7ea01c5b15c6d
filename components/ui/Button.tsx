"use client";
import { cva, type VariantProps } from "class-variance-authority";
import { Loader2 } from "lucide-react";
import Link from "next/link";
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { cn } from "../cn";

const button = cva(
  "inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap transition-colors disabled:opacity-45 [&_svg]:size-4 [&_svg]:shrink-0",
  {
    variants: {
      tone: {
        primary: "bg-gold text-gold-ink hover:bg-gold/85",
        plain: "border border-line bg-raised text-ink hover:border-strong",
        ghost: "text-soft hover:bg-raised hover:text-ink",
        danger: "border border-bad/50 bg-bad/10 text-bad hover:bg-bad/20",
      },
      size: { md: "h-9 px-3.5 text-[13px]", sm: "h-7 px-2.5 text-[12px]", icon: "size-9" },
    },
    defaultVariants: { tone: "plain", size: "md" },
  },
);

type Look = VariantProps<typeof button>;

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement>, Look {
  busy?: boolean;
}

export function Button({ tone, size, busy, className, children, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      className={cn(button({ tone, size }), className)}
      disabled={disabled || busy}
      aria-busy={busy}
      {...rest}
    >
      {busy ? <Loader2 className="animate-spin" aria-hidden /> : null}
      {children}
    </button>
  );
}

interface LinkButtonProps extends Look {
  href: string;
  children: ReactNode;
  className?: string;
  "data-testid"?: string;
}

export function LinkButton({ href, tone, size, className, children, ...rest }: LinkButtonProps) {
  return (
    <Link href={href} className={cn(button({ tone, size }), className)} {...rest}>
      {children}
    </Link>
  );
}
