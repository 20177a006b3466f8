import { useTranslation } from "react-i18next";
import type { Signal } from "@/features/signals/reads";
import { StatusPill, type PillTone } from "@/kit/StatusPill";

const TONES: Record<Signal["status"], PillTone> = {
  queued: "active",
  done: "good",
  blocked: "bad",
  ignored: "neutral",
  failed: "bad",
};

/** What became of a signal. */
export function SignalStatus({ status }: { status: Signal["status"] }) {
  const { t } = useTranslation("signals");
  return <StatusPill tone={TONES[status]}>{t(`status.${status}`)}</StatusPill>;
}
