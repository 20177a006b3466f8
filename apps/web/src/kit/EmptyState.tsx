import type { ReactNode } from "react";

/** Nothing to show: why, and what can be done. */
export function EmptyState({ title, children }: { title: ReactNode; children?: ReactNode }) {
  return (
    <div className="m-auto flex max-w-sm flex-col items-center gap-3 p-6 text-center text-sm text-muted">
      <p>{title}</p>
      {children}
    </div>
  );
}
