import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { en } from "@/locales/en";

type CodeKind = keyof (typeof en)["codes"];

/** The words for codes of a kind; a code without words is shown as it is. */
export function useCodeWord(kind: CodeKind): (code: string) => string {
  const { t } = useTranslation("codes");
  return useCallback((code) => String(t(`${kind}.${code}` as "policy.auto", { defaultValue: code })), [t, kind]);
}

/** The sentence for the code of a refusal; a code without one is shown as it is. */
export function useRefusalWord(): (code: string) => string {
  const { t } = useTranslation("errors");
  return useCallback((code) => String(t(code as "unexpected", { defaultValue: code })), [t]);
}
