import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "@/kit/Button";
import { EmptyState } from "@/kit/EmptyState";
import { ErrorState } from "@/kit/ErrorState";
import { Icon } from "@/kit/Icon";
import type { GridState } from "@/kit/grid/types";

const SKELETON_AFTER_MS = 150;
const SKELETON_ROWS = 8;

interface Props {
  state: GridState;
  empty: ReactNode;
  onClearFilters: (() => void) | undefined;
}

/** What stands in place of the rows when there are none. */
export function GridNotice({ state, empty, onClearFilters }: Props) {
  const { t } = useTranslation();
  if (state.forbidden !== undefined) {
    return (
      <EmptyState
        title={
          <span className="flex items-center gap-2">
            <Icon name="lock" />
            {state.forbidden}
          </span>
        }
      />
    );
  }
  if (state.error !== undefined && state.error !== null) {
    return <ErrorState error={state.error} onRetry={state.onRetry} />;
  }
  if (state.loading === true) return <Skeleton />;
  if (onClearFilters !== undefined) {
    return (
      <EmptyState title={t("grid.filteredEmpty")}>
        <Button onClick={onClearFilters}>{t("grid.clearFilters")}</Button>
      </EmptyState>
    );
  }
  return typeof empty === "string" ? <EmptyState title={empty} /> : empty;
}

/** Rows of the right height, after a moment, so that quick answers do not flicker. */
function Skeleton() {
  const { t } = useTranslation();
  const [visible, setVisible] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setVisible(true), SKELETON_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" aria-label={t("grid.loading")} className="w-full">
      {visible &&
        Array.from({ length: SKELETON_ROWS }, (_unused, index) => (
          <div key={index} className="flex h-(--row) items-center border-b border-line/50 px-2">
            <span className="h-2.5 w-full animate-pulse rounded bg-raise" />
          </div>
        ))}
    </div>
  );
}
