import { useCallback } from "react";
import { useTranslation } from "react-i18next";

/** The words for a limit by its key; a key without words is shown as it is. */
export function useLimitName(): (key: string) => string {
  const { t } = useTranslation("limits");
  return useCallback(
    (key) => {
      const found: unknown = t(`key.${key}` as "title", { returnObjects: true, defaultValue: key });
      return typeof found === "string" ? found : key;
    },
    [t],
  );
}
