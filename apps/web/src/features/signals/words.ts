import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { useRefusalWord } from "@/app/codes";

/** Why a signal led to no order: the gateway's sentence with its values, else the words for the code. */
export function useSignalReason(): (signal: { reason: string | null; reason_code: string | null }) => string | null {
  const { t } = useTranslation("signals");
  const refusal = useRefusalWord();
  return useCallback(
    ({ reason, reason_code: code }) => {
      if (reason !== null) return reason.replaceAll(/,(?=\S)/g, ", ");
      if (code === null) return null;
      const word = String(t(`reason.${code}` as "reason.no_position", { defaultValue: "" }));
      return word === "" ? refusal(code) : word;
    },
    [t, refusal],
  );
}
