import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";
import { cx } from "@/lib/cx";
import { Spinner } from "@/kit/Spinner";

export type ButtonTone = "plain" | "primary" | "danger" | "quiet" | "up" | "down";

const TONES: Record<ButtonTone, string> = {
  plain: "border-line bg-panel text-fg enabled:hover:bg-raise",
  primary: "border-transparent bg-accent text-[var(--on-accent)] enabled:hover:brightness-110",
  danger: "border-transparent bg-danger text-white enabled:hover:brightness-110",
  quiet: "border-transparent bg-transparent text-muted enabled:hover:bg-raise enabled:hover:text-fg",
  up: "border-transparent bg-up text-bg enabled:hover:brightness-110",
  down: "border-transparent bg-down text-bg enabled:hover:brightness-110",
};

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  tone?: ButtonTone;
  /** Work is going on: the button is locked and shows it, at the same width. */
  busy?: boolean;
  icon?: ReactNode;
  ref?: Ref<HTMLButtonElement>;
}

/** A button; an icon alone needs an `aria-label`. */
export function Button({ tone = "plain", busy = false, icon, className, children, disabled, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      disabled={disabled === true || busy}
      aria-busy={busy || undefined}
      className={cx(
        "relative inline-flex h-(--control) shrink-0 items-center justify-center gap-1.5 rounded border px-2.5",
        "text-sm font-medium whitespace-nowrap disabled:opacity-50",
        children === undefined && "aspect-square px-0!",
        TONES[tone],
        className,
      )}
    >
      {busy && (
        <span className="absolute inset-0 grid place-items-center">
          <Spinner />
        </span>
      )}
      <span className={cx("inline-flex items-center gap-1.5", busy && "invisible")}>
        {icon}
        {children}
      </span>
    </button>
  );
}
