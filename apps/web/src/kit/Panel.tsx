import { Component, type ErrorInfo, type ReactNode } from "react";
import { ErrorState } from "@/kit/ErrorState";
import { cx } from "@/lib/cx";

interface BoundaryState {
  error: unknown;
}

/** Keeps a crash inside its panel. */
export class PanelBoundary extends Component<{ children: ReactNode }, BoundaryState> {
  override state: BoundaryState = { error: null };

  static getDerivedStateFromError(error: unknown): BoundaryState {
    return { error };
  }

  override componentDidCatch(_error: unknown, _info: ErrorInfo): void {
    // shown by `render`; React reports it to the console by itself
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return <ErrorState error={this.state.error} onRetry={() => this.setState({ error: null })} />;
  }
}

export interface PanelProps {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
}

/** A bordered part of a page with its own error boundary. */
export function Panel({ title, actions, children, className }: PanelProps) {
  return (
    <section className={cx("flex min-h-0 min-w-0 flex-col rounded border border-line bg-panel", className)}>
      {title !== undefined && (
        <header className="flex min-h-9 items-center justify-between gap-2 border-b border-line px-3">
          <h2 className="text-sm font-semibold">{title}</h2>
          {actions}
        </header>
      )}
      <PanelBoundary>{children}</PanelBoundary>
    </section>
  );
}
