import { useTranslation } from "react-i18next";
import { UsageRow } from "@/features/risk/UsageDrawer";
import { LIMIT_KEYS, typedValue, type Limit, type LimitKey, type Unit } from "@/features/risk/limitKeys";
import type { Usage } from "@/features/risk/reads";
import { TextField } from "@/kit/Field";
import { Select } from "@/kit/Select";
import { cx } from "@/lib/cx";
import { fmt, readInput } from "@/lib/decimal";
import { useFormats } from "@/lib/format";

interface Props {
  name: LimitKey;
  /** What the scope sets; absent: nothing. */
  limit: Limit | undefined;
  /** The new value as typed; absent: not changed. */
  draft: string | undefined;
  /** The limit that rules an account, of whatever scope, and how much of it is used. */
  usage: readonly Usage[];
  currency: string;
  error: string | undefined;
  disabled: boolean;
  onChange: (value: string) => void;
}

/** The word of a unit; `currency` of money. */
export function useUnitText(currency: string): (unit: Unit) => string | undefined {
  const { t } = useTranslation("limits");
  return (unit) => (unit === null ? undefined : unit === "money" ? currency : t(`unit.${unit}`));
}

/** One limit: its value, who set it, and how much is used of the one that rules. */
export function LimitField(props: Props) {
  const { name, limit, draft, usage } = props;
  const { t } = useTranslation("limits");
  const { time } = useFormats();
  const isChanged = draft !== undefined && draft !== typedValue(limit?.value);
  return (
    <div className={cx("flex min-w-0 flex-col gap-1.5 rounded border p-2.5", isChanged ? "border-accent" : "border-line")}>
      <Editor {...props} />
      <code className="text-2xs text-muted">{name}</code>
      {limit !== undefined && (
        <p className="num text-2xs text-muted">
          {t("setBy", { who: limit.set_by, time: time(limit.set_at) })} · {limit.comment}
        </p>
      )}
      {usage.length > 0 && (
        <section aria-label={t("inUse", { limit: t(`key.${name}`) })} className="border-t border-line pt-1.5">
          <h4 className="text-2xs text-muted">{t("rules")}</h4>
          <ul className="flex flex-col gap-1.5">
            {usage.map((one) => (
              <UsageRow key={`${one.scope}:${one.scope_id}`} usage={one} unnamed />
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

function Editor({ name, limit, draft, error, disabled, currency, onChange }: Props) {
  const { t } = useTranslation("limits");
  const unit = useUnitText(currency)(LIMIT_KEYS[name].unit);
  const echo = useEcho();
  const value = draft ?? typedValue(limit?.value);
  const label = t(`key.${name}`);
  const kind = LIMIT_KEYS[name].kind;
  if (kind === "flag") {
    return (
      <Select
        label={label}
        value={value === "false" ? "false" : ""}
        onChange={onChange}
        disabled={disabled}
        options={[
          { value: "", label: t("flag.allowed") },
          { value: "false", label: t("flag.forbidden") },
        ]}
      />
    );
  }
  return (
    <TextField
      label={label}
      hint={kind === undefined ? (echo(value) ?? unit) : undefined}
      value={value}
      onChange={onChange}
      disabled={disabled}
      error={error}
      placeholder={t("none")}
      autoComplete="off"
      spellCheck={false}
      {...(kind === undefined ? { inputMode: "decimal" as const } : {})}
    />
  );
}

/** What was understood, where it is written otherwise than typed. */
function useEcho(): (text: string) => string | undefined {
  const { i18n } = useTranslation();
  return (text) => {
    const read = text.trim() === "" ? null : readInput(text, i18n.language);
    const shown = read === null ? "" : fmt(read, { locale: i18n.language });
    return read === null || read === text.trim() || shown === text.trim() ? undefined : `= ${shown}`;
  };
}
