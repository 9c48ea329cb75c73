import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { Button as AriaButton, Tooltip, TooltipTrigger, type ButtonProps as AriaProps } from "react-aria-components";
import { cx } from "./class-names";

export type Variant = "primary" | "secondary" | "ghost" | "danger";

/** The look alone, for links that act like buttons. */
export function buttonClass(variant: Variant = "secondary", small = false): string {
  return cx(
    "inline-flex items-center justify-center gap-2 rounded-control font-medium whitespace-nowrap transition-colors cursor-pointer select-none",
    "data-disabled:cursor-not-allowed data-disabled:opacity-50 data-pending:cursor-progress data-pending:opacity-70",
    small ? "h-7 px-2.5 text-sm pointer-coarse:h-9" : "h-8.5 px-3.5 pointer-coarse:h-10",
    variant === "primary" && "bg-accent text-on-accent hover:bg-accent-strong",
    variant === "secondary" && "border border-line-strong bg-surface text-ink hover:bg-sunken",
    variant === "ghost" && "text-muted hover:bg-sunken hover:text-ink",
    variant === "danger" && "border border-bad/40 bg-surface text-bad hover:bg-bad-soft",
  );
}

interface ButtonProps extends Omit<AriaProps, "className" | "children"> {
  variant?: Variant;
  small?: boolean;
  icon?: LucideIcon;
  className?: string;
  children?: ReactNode;
}

export function Button({ variant, small, icon: Icon, className, children, ...props }: ButtonProps) {
  return (
    <AriaButton {...props} className={cx(buttonClass(variant, small), className)}>
      {Icon && <Icon aria-hidden className="size-4 shrink-0" />}
      {children}
    </AriaButton>
  );
}

interface IconButtonProps extends Omit<AriaProps, "className" | "children"> {
  icon: LucideIcon;
  label: string;
  className?: string;
}

/** A button that is only a picture: its name is read aloud and shown on hover and focus. */
export function IconButton({ icon: Icon, label, className, ...props }: IconButtonProps) {
  return (
    <TooltipTrigger delay={500}>
      <AriaButton
        {...props}
        aria-label={label}
        className={cx(
          "inline-flex size-8 shrink-0 cursor-pointer items-center justify-center rounded-control text-muted transition-colors hover:bg-sunken hover:text-ink data-disabled:cursor-not-allowed data-disabled:opacity-40 pointer-coarse:size-10",
          className,
        )}
      >
        <Icon aria-hidden className="size-4.5" />
      </AriaButton>
      <Tooltip offset={6} className="appear rounded-control bg-ink px-2 py-1 text-xs text-ground shadow-float">
        {label}
      </Tooltip>
    </TooltipTrigger>
  );
}
