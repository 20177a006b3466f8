import { useRef, useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { FLAGS, PRESETS, sameGrant, withFlag, withPreset, type MatrixRow, type Preset } from "@/features/permissions/matrix";
import { StrategiesDialog } from "@/features/permissions/StrategiesDialog";
import type { Edits } from "@/features/permissions/useEdits";
import { keyName, useStrategyWords } from "@/features/permissions/words";
import { Button } from "@/kit/Button";
import { Checkbox } from "@/kit/Checkbox";
import { Icon } from "@/kit/Icon";
import { Menu } from "@/kit/Menu";
import { cx } from "@/lib/cx";

const STEPS: Record<string, readonly [rows: number, columns: number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};
const CELL = "border-b border-line px-2 py-1";
const HEAD = `${CELL} bg-panel text-xs font-normal text-muted`;
const PRESET_NAMES = Object.keys(PRESETS) as Preset[];

/** Moves the focus between the controls of a table with the arrow keys. */
function moveFocus(event: KeyboardEvent<HTMLTableElement>): void {
  const step = STEPS[event.key];
  const cell = (event.target as HTMLElement).closest("td");
  const row = cell?.parentElement;
  if (step === undefined || cell === null || !(row instanceof HTMLTableRowElement)) return;
  const rows = event.currentTarget.tBodies[0]?.rows;
  const next = rows?.[row.sectionRowIndex + step[0]]?.cells[cell.cellIndex + step[1]];
  const control = next?.querySelector<HTMLElement>("input, button");
  if (control === null || control === undefined) return;
  event.preventDefault();
  control.focus();
}

/** Keys on accounts and what they may do there, to be read and edited. */
export function Matrix({ rows, edits, readOnly }: { rows: readonly MatrixRow[]; edits: Edits; readOnly: boolean }) {
  const { t } = useTranslation("permissions");
  const table = useRef<HTMLTableElement>(null);
  const [restricting, setRestricting] = useState<MatrixRow | null>(null);
  return (
    <div role="region" aria-label={t("title")} tabIndex={0} className="relative min-h-0 flex-1 overflow-auto border-t border-line">
      <table ref={table} onKeyDown={moveFocus} className="w-full border-separate border-spacing-0 text-sm">
        <thead className="sticky top-0 z-10">
          <tr>
            <th scope="col" className={cx(HEAD, "text-start")}>{t("column.user")}</th>
            <th scope="col" className={cx(HEAD, "text-start")}>{t("column.key")}</th>
            <th scope="col" className={cx(HEAD, "text-start")}>{t("column.account", { ns: "common" })}</th>
            {FLAGS.map((flag) => (
              <th key={flag} scope="col" title={t(`flagMeans.${flag}`)} className={HEAD}>
                {t(`flag.${flag}`)}
              </th>
            ))}
            <th scope="col" className={cx(HEAD, "text-start")}>{t("strategies.column")}</th>
            <th scope="col" className={HEAD}>
              <span className="sr-only">{t("grid.actions", { ns: "common" })}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <Row key={row.id} row={row} repeated={rows[index - 1]?.key.id === row.key.id} edits={edits} readOnly={readOnly} onRestrict={setRestricting} />
          ))}
        </tbody>
      </table>
      {restricting !== null && (
        <StrategiesDialog
          row={restricting}
          grant={edits.of(restricting)}
          onClose={() => setRestricting(null)}
          onChosen={(grant) => edits.set(restricting, grant)}
        />
      )}
    </div>
  );
}

interface RowProps {
  row: MatrixRow;
  /** The row before is of the same key: its name is not drawn again. */
  repeated: boolean;
  edits: Edits;
  readOnly: boolean;
  onRestrict: (row: MatrixRow) => void;
}

function Row({ row, repeated, edits, readOnly, onRestrict }: RowProps) {
  const { t } = useTranslation("permissions");
  const strategies = useStrategyWords();
  const grant = edits.of(row);
  const isChanged = !sameGrant(grant, row.grant);
  const name = keyName(row.key);
  const who = { user: row.key.userName, key: name, account: row.account.label };
  const hidden = repeated ? "sr-only" : undefined;
  const restriction = grant.restrict_to_strategies ? strategies(grant.strategy_ids) : t("strategies.all");
  const strategiesChanged = grant.restrict_to_strategies !== row.grant.restrict_to_strategies || (grant.restrict_to_strategies && grant.strategy_ids.join() !== row.grant.strategy_ids.join());
  return (
    <tr className={cx("hover:bg-raise", isChanged && "bg-raise")}>
      <td className={CELL}>
        <span className={hidden}>{row.key.userName}</span>
      </td>
      <td className={CELL}>
        <span className={hidden}>{name}</span>
      </td>
      <th scope="row" className={cx(CELL, "text-start font-normal whitespace-nowrap")}>
        {row.account.label}
        {isChanged && <span className="ms-2 text-2xs text-accent">{t("changed")}</span>}
      </th>
      {FLAGS.map((flag) => (
        <td key={flag} className={cx(CELL, "text-center", grant[flag] !== row.grant[flag] && "outline outline-1 -outline-offset-2 outline-accent")}>
          <Checkbox
            hiddenLabel
            label={t("cell", { ...who, flag: t(`flag.${flag}`) })}
            checked={grant[flag]}
            disabled={readOnly}
            onChange={(on) => edits.set(row, withFlag(grant, flag, on))}
          />
        </td>
      ))}
      <td className={cx(CELL, strategiesChanged && "outline outline-1 -outline-offset-2 outline-accent")}>
        <Button tone="quiet" disabled={readOnly} aria-label={t("strategies.of", { ...who, restriction })} onClick={() => onRestrict(row)}>
          <span className="max-w-40 truncate">{restriction}</span>
        </Button>
      </td>
      <td className={cx(CELL, "text-end")}>
        <Menu
          trigger={<Button tone="quiet" disabled={readOnly} icon={<Icon name="more" />} aria-label={t("preset.of", who)} />}
          items={[
            { id: "heading", heading: t("preset.title") },
            ...PRESET_NAMES.map((preset) => ({
              id: preset,
              label: t(`preset.${preset}`),
              run: () => edits.set(row, withPreset(grant, preset)),
            })),
          ]}
        />
      </td>
    </tr>
  );
}
