import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";
import type { ErrorDetail } from "@/api/types";

type Source = ApiError | Partial<ErrorDetail>;

/**
 * The sentence for an error: by its reason or code in the user's language, with the gateway's own
 * words behind it where those say more.
 */
export function useErrorText(): (error: unknown) => string {
  const { t, i18n } = useTranslation("errors");
  return (error) => {
    if (error instanceof Error && !(error instanceof ApiError)) return error.message;
    const source = error as Source;
    const known = [source.reason, source.code].find(
      (word) => word !== null && word !== undefined && i18n.exists(`errors:${word}`),
    );
    const message = source.message ?? "";
    if (known === null || known === undefined) return message === "" ? t("unexpected") : message;
    const sentence = String(t(known as "unexpected"));
    return message === "" || known === "network" ? sentence : `${sentence} (${message})`;
  };
}
