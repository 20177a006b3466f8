import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Grant, MatrixRow } from "@/features/permissions/matrix";
import { keyName } from "@/features/permissions/words";
import { useStrategyRows } from "@/features/strategies/reads";
import { Button } from "@/kit/Button";
import { Checkbox } from "@/kit/Checkbox";
import { Dialog } from "@/kit/Dialog";
import { ErrorState } from "@/kit/ErrorState";

interface StrategiesDialogProps {
  row: MatrixRow;
  grant: Grant;
  onClose: () => void;
  onChosen: (grant: Grant) => void;
}

/** Restrict a key on an account to some strategies; saved with the other changes. */
export function StrategiesDialog({ row, grant, onClose, onChosen }: StrategiesDialogProps) {
  const { t } = useTranslation("permissions");
  const strategies = useStrategyRows(true);
  const [restricted, setRestricted] = useState(grant.restrict_to_strategies);
  const [chosen, setChosen] = useState<ReadonlySet<number>>(new Set(grant.strategy_ids));
  const choose = (id: number, on: boolean) => setChosen((before) => new Set([...before, id].filter((one) => on || one !== id)));
  const linked = (strategies.data ?? []).filter((one) => one.account_ids.includes(row.account.id) || chosen.has(one.strategy_id));
  const options = [{ id: 0, name: t("strategies.unattributed") }, ...linked.map((one) => ({ id: one.strategy_id, name: one.name }))];
  const apply = () => {
    onChosen({ ...grant, restrict_to_strategies: restricted, strategy_ids: [...chosen].toSorted((a, b) => a - b) });
    onClose();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      onSubmit={apply}
      title={t("strategies.title", { key: keyName(row.key), account: row.account.label })}
      footer={
        <>
          <Button onClick={onClose}>{t("action.cancel", { ns: "common" })}</Button>
          <Button tone="primary" onClick={apply}>
            {t("action.apply", { ns: "common" })}
          </Button>
        </>
      }
    >
      <p className="text-sm text-muted">{t("strategies.text")}</p>
      <Checkbox label={t("strategies.restrict")} checked={restricted} onChange={setRestricted} />
      {strategies.error !== null && <ErrorState error={strategies.error} compact onRetry={() => void strategies.refetch()} />}
      <fieldset className="flex flex-col gap-1 ps-6" disabled={!restricted}>
        <legend className="sr-only">{t("strategies.column")}</legend>
        {options.map(({ id, name }) => (
          <Checkbox key={id} label={name} checked={chosen.has(id)} onChange={(on) => choose(id, on)} disabled={!restricted} />
        ))}
      </fieldset>
    </Dialog>
  );
}
