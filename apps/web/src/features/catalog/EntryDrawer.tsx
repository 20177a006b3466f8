import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { warmupText, type CatalogEntry } from "@/features/research/catalog";
import { parameterFields } from "@/features/research/parameters";
import { Button } from "@/kit/Button";
import { CopyButton } from "@/kit/CopyButton";
import { DetailDrawer, Facts } from "@/kit/DetailDrawer";
import { NOTHING, useFormats } from "@/lib/format";

interface Props {
  entry: CatalogEntry;
  onClose: () => void;
  onBacktest: ((entry: CatalogEntry) => void) | undefined;
  onBot: ((entry: CatalogEntry) => void) | undefined;
}

/** A strategy: what it is, its parameters, the code of its versions, and how to run it. */
export function EntryDrawer({ entry, onClose, onBacktest, onBot }: Props) {
  const { t } = useTranslation("catalog");
  const { time } = useFormats();
  return (
    <DetailDrawer open onClose={onClose} title={`${entry.name} ${entry.version}`}>
      <p className="text-sm">{entry.summary}</p>
      <div className="flex flex-wrap gap-2">
        {onBacktest !== undefined && (
          <Button tone="primary" onClick={() => onBacktest(entry)}>
            {t("run.title", { ns: "research" })}
          </Button>
        )}
        {onBot !== undefined && <Button onClick={() => onBot(entry)}>{t("bot.create.title", { ns: "research" })}</Button>}
        <Link to="/chart" search={{ strategy: entry.name } as never} className="self-center text-sm underline">
          {t("chart")}
        </Link>
      </div>
      <Facts
        facts={[
          [t("timeframe", { ns: "research" }), [entry.timeframe ?? t("any"), ...entry.higher].join(", ")],
          [t("warmup"), warmupText(entry, t("base")) || NOTHING],
          [t("source"), entry.source === "built_in" ? t("builtIn") : entry.source],
          [t("checked"), time(entry.checked_at)],
        ]}
      />
      <Parameters entry={entry} />
      <Versions entry={entry} />
      <Command entry={entry} />
    </DetailDrawer>
  );
}

function Parameters({ entry }: { entry: CatalogEntry }) {
  const { t } = useTranslation("catalog");
  const fields = parameterFields(entry.parameters);
  return (
    <section aria-label={t("params", { ns: "research" })}>
      <h3 className="pb-1 text-sm font-semibold">{t("params", { ns: "research" })}</h3>
      {fields.length === 0 ? (
        <p className="text-sm text-muted">{t("noParameters")}</p>
      ) : (
        <table className="num w-full text-sm">
          <thead>
            <tr className="text-xs text-muted">
              <th className="text-start font-normal">{t("parameter")}</th>
              <th className="text-end font-normal">{t("normal")}</th>
              <th className="text-end font-normal">{t("range")}</th>
            </tr>
          </thead>
          <tbody>
            {fields.map((field) => (
              <tr key={field.name} className="border-t border-line">
                <th className="py-1 text-start font-normal">{field.name}</th>
                <td className="text-end">{field.normal}</td>
                <td className="text-end text-muted">{`${field.min ?? NOTHING} … ${field.max ?? NOTHING}`}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** The versions that ran; the code of now is the first. */
function Versions({ entry }: { entry: CatalogEntry }) {
  const { t } = useTranslation("catalog");
  const { time } = useFormats();
  const isStored = entry.versions.some((one) => one.version === entry.version && one.code_hash === entry.code_hash);
  const rows = [...(isStored ? [] : [entry]), ...entry.versions.toReversed()];
  return (
    <section aria-label={t("versions")}>
      <h3 className="pb-1 text-sm font-semibold">{t("versions")}</h3>
      <ul className="flex flex-col text-xs">
        {rows.map((row) => (
          <li key={`${row.version} ${row.code_hash}`} className="flex flex-col gap-0.5 border-t border-line py-1">
            <span>
              {row.version}
              {row.code_hash === entry.code_hash && ` · ${t("present")}`}
              {row.checked_at === null ? ` · ${t("unchecked")}` : ` · ${t("checked")} ${time(row.checked_at)}`}
            </span>
            <code className="break-all text-muted">{row.code_hash}</code>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** How to run it from a shell. */
function Command({ entry }: { entry: CatalogEntry }) {
  const { t } = useTranslation("catalog");
  const command = `oms backtest run --strategy ${entry.name} --exchange EXCHANGE --symbol SYMBOL --timeframe ${entry.timeframe ?? "1h"} --html report.html`;
  return (
    <section aria-label={t("howTo")} className="flex flex-col gap-1">
      <h3 className="text-sm font-semibold">{t("howTo")}</h3>
      <p className="text-xs text-muted">{t("howToHint")}</p>
      <div className="flex items-start gap-2">
        <code className="min-w-0 flex-1 rounded bg-raise px-2 py-1 text-xs break-words">{command}</code>
        <CopyButton text={() => command} tone="quiet" />
      </div>
    </section>
  );
}
