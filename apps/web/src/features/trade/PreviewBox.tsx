import { useTranslation } from "react-i18next";
import type { Preview } from "@/api/types";
import { useLimitName } from "@/app/limitNames";
import { Facts } from "@/kit/DetailDrawer";
import { ErrorState } from "@/kit/ErrorState";
import { useErrorText } from "@/kit/errorText";
import { SideText } from "@/kit/SideText";
import { StatusPill, type PillTone } from "@/kit/StatusPill";
import { abs, isDecimal, shorten } from "@/lib/decimal";
import { useFormats } from "@/lib/format";
import { placesOf } from "@/lib/symbol";

const TONES: Record<Preview["status"], PillTone> = { passed: "good", trimmed: "warn", blocked: "bad" };

interface Props {
  complete: boolean;
  data: Preview | undefined;
  error: unknown;
  /** The preview is of what was typed before. */
  pending: boolean;
}

/** The gateway's answer before the order is sent. The height stays, whatever is shown. */
export function PreviewBox({ complete, data, error, pending }: Props) {
  const { t } = useTranslation("trade");
  return (
    <section aria-label={t("preview.title")} className="flex max-h-[35vh] min-h-30 flex-col gap-1.5 overflow-y-auto rounded border border-line bg-bg px-2.5 py-2">
      {!complete ? (
        <p className="m-auto text-center text-xs text-muted">{t("preview.incomplete")}</p>
      ) : pending ? (
        <p className="m-auto text-center text-xs text-muted">{t("preview.pending")}</p>
      ) : error !== null && error !== undefined ? (
        <ErrorState error={error} compact />
      ) : (
        data !== undefined && <Verdict preview={data} />
      )}
    </section>
  );
}

function Verdict({ preview }: { preview: Preview }) {
  const { t } = useTranslation("trade");
  const { number } = useFormats();
  const text = useErrorText();
  const limitName = useLimitName();
  const money = (value: string | null) =>
    value === null ? number(null) : `${number(value, { places: placesOf(preview.currency ?? "") })} ${preview.currency ?? ""}`;
  const failed = preview.limits.filter((limit) => !limit.passed);
  return (
    <>
      <span className="flex items-center justify-between gap-2">
        <StatusPill tone={TONES[preview.status]}>{t(`preview.${preview.status}`)}</StatusPill>
        {preview.quote !== null && (
          <span className="num text-xs text-muted">
            {number(preview.quote.bid)} / {number(preview.quote.ask)}
          </span>
        )}
      </span>
      {preview.refusal !== null && <p className="text-xs text-down">{text(preview.refusal)}</p>}
      {failed.map((limit) => (
        <p key={`${limit.scope}-${limit.key}`} className="num text-xs text-down">
          {limitName(limit.key)}: {typeof limit.limit === "string" && isDecimal(limit.limit) ? number(limit.limit) : String(limit.limit)}
        </p>
      ))}
      <Facts
        facts={[
          [t("preview.notional"), money(preview.notional)],
          [t("preview.fee"), preview.fee === null ? number(null) : `${number(shorten(preview.fee, 4))} ${preview.currency ?? ""}`],
          ...(preview.margin === null ? [] : [[t("preview.margin"), money(preview.margin)] as const]),
          ...preview.positions.map(
            (position) =>
              [
                t("preview.position"),
                <span key={position.position_id ?? 0}>
                  <SideText side={position.side} position /> {number(abs(position.qty))}
                  {position.avg_price !== null && ` @ ${number(shorten(position.avg_price))}`}
                </span>,
              ] as const,
          ),
        ]}
      />
    </>
  );
}
