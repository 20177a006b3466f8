import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { usePreference } from "@/lib/preferences";
import { fmt, sign, type Decimal, type FormatOptions } from "@/lib/decimal";
import { fmtTime } from "@/lib/time";

export interface Formats {
  /** A decimal in the user's language; a dash for null. */
  number: (value: Decimal | null, options?: Omit<FormatOptions, "locale">) => string;
  /** A time in the user's zone. */
  time: (iso: string | null) => string;
}

export const NOTHING = "\u2013";

/** How numbers and times are written for this user. */
export function useFormats(): Formats {
  const { i18n } = useTranslation();
  const zone = usePreference("zone");
  const locale = i18n.language;
  return useMemo(
    () => ({
      number: (value, options = {}) => (value === null ? NOTHING : fmt(value, { ...options, locale })),
      time: (iso) => (iso === null ? NOTHING : fmtTime(iso, zone)),
    }),
    [locale, zone],
  );
}

/** The colour of a profit: none for 0. */
export function toneOf(value: Decimal | null): "up" | "down" | undefined {
  if (value === null) return undefined;
  const direction = sign(value);
  return direction === 0 ? undefined : direction > 0 ? "up" : "down";
}
