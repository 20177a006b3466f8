import type { ErrorComponentProps } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { ErrorState } from "@/kit/ErrorState";
import { Spinner } from "@/kit/Spinner";

export function PageLoading() {
  const { t } = useTranslation();
  return (
    <div role="status" className="m-auto flex items-center gap-2 text-muted">
      <Spinner />
      {t("boot.checking")}
    </div>
  );
}

/** A page that failed to load or to draw; the others go on. */
export function PageCrash({ error, reset }: ErrorComponentProps) {
  return <ErrorState error={error} onRetry={reset} />;
}
