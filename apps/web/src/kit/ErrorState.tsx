import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";
import { Button } from "@/kit/Button";
import { CopyButton } from "@/kit/CopyButton";
import { Icon } from "@/kit/Icon";
import { useErrorText } from "@/kit/errorText";

export interface ErrorStateProps {
  error: unknown;
  onRetry?: (() => void) | undefined;
  /** One block inside a dialog or panel, instead of the middle of the view. */
  compact?: boolean;
}

function detailsOf(error: unknown): string {
  if (!(error instanceof ApiError)) return String(error);
  return JSON.stringify({ status: error.status, ...error.detail }, null, 2);
}

/** What failed: a sentence, the code, the request id; retry, and copy for a report. */
export function ErrorState({ error, onRetry, compact = false }: ErrorStateProps) {
  const { t } = useTranslation();
  const text = useErrorText();
  const known = error instanceof ApiError ? error : null;
  return (
    <div
      role="alert"
      className={
        compact
          ? "flex flex-col gap-1 rounded border border-down/60 p-2.5 text-sm"
          : "m-auto flex max-w-md flex-col gap-2 p-6 text-sm"
      }
    >
      <span className="flex items-start gap-2 text-down">
        <Icon name="warn" />
        <span>{text(error)}</span>
      </span>
      {known !== null && (
        <span className="num text-2xs break-all text-muted">
          {[known.code, known.reason, known.requestId].filter(Boolean).join(" · ")}
        </span>
      )}
      <span className="flex gap-2">
        {onRetry !== undefined && (
          <Button onClick={onRetry} icon={<Icon name="refresh" />}>
            {t("action.retry")}
          </Button>
        )}
        <CopyButton tone="quiet" text={() => detailsOf(error)}>
          {t("action.copyDetails")}
        </CopyButton>
      </span>
    </div>
  );
}
