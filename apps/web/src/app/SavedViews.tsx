import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFilters } from "@/app/search";
import { Button } from "@/kit/Button";
import { Dialog } from "@/kit/Dialog";
import { TextField } from "@/kit/Field";
import { Icon } from "@/kit/Icon";
import { Menu } from "@/kit/Menu";
import { preferences, setPreference, usePreference, type SavedView } from "@/lib/preferences";

/** More would not fit a menu. */
const VIEWS_MAX = 20;
const NAME_MAX = 60;
const NONE: readonly SavedView[] = [];

interface Props {
  /** The grid, by its name in the preferences. */
  grid: string;
  /** The filters of the URL that belong to the list. */
  filters: readonly string[];
}

function keep(grid: string, views: readonly SavedView[]): void {
  setPreference("views", { ...preferences.get().views, [grid]: [...views] });
}

/** The views of a list that the user saved: filters, columns, order and groups under a name. */
export function SavedViews({ grid, filters: names }: Props) {
  const { t } = useTranslation("lists");
  const views = usePreference("views")[grid] ?? NONE;
  const [filters, setFilters] = useFilters(...names);
  const [editing, setEditing] = useState(false);
  const show = (view: SavedView) => {
    const { hidden, sort, group } = view;
    setPreference("grids", { ...preferences.get().grids, [grid]: { hidden, sort, group } });
    setFilters(Object.fromEntries(names.map((name) => [name, view.filters[name]])));
  };
  const save = (name: string) => {
    const settings = preferences.get().grids[grid] ?? { hidden: [], sort: null, group: null };
    const shown = Object.fromEntries(Object.entries(filters).filter((entry): entry is [string, string] => entry[1] !== undefined));
    keep(grid, [...views.filter((view) => view.name !== name), { ...settings, name, filters: shown }]);
  };
  return (
    <>
      <Menu
        trigger={<Button tone="quiet" icon={<Icon name="star" />} aria-label={t("views.label")} />}
        items={[
          ...views.map((view) => ({ id: `view ${view.name}`, label: view.name, run: () => show(view) })),
          { id: "edit", label: t("views.edit"), run: () => setEditing(true) },
        ]}
      />
      {editing && (
        <ViewsDialog
          views={views}
          onSave={save}
          onRemove={(name) => keep(grid, views.filter((view) => view.name !== name))}
          onClose={() => setEditing(false)}
        />
      )}
    </>
  );
}

interface DialogProps {
  views: readonly SavedView[];
  onSave: (name: string) => void;
  onRemove: (name: string) => void;
  onClose: () => void;
}

function ViewsDialog({ views, onSave, onRemove, onClose }: DialogProps) {
  const { t } = useTranslation("lists");
  const [name, setName] = useState("");
  const wanted = name.trim();
  const replaces = views.some((view) => view.name === wanted);
  const full = views.length >= VIEWS_MAX && !replaces;
  const submit = () => {
    if (wanted === "" || full) return;
    onSave(wanted);
    onClose();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      onSubmit={submit}
      title={t("views.edit")}
      footer={
        <>
          <Button onClick={onClose}>{t("action.cancel", { ns: "common" })}</Button>
          <Button tone="primary" disabled={wanted === "" || full} onClick={submit}>
            {t(replaces ? "views.replace" : "views.save")}
          </Button>
        </>
      }
    >
      <p className="text-sm text-muted">{t("views.text")}</p>
      <TextField label={t("views.name")} value={name} onChange={setName} maxLength={NAME_MAX} />
      {full && <p className="text-sm text-warn">{t("views.full", { count: VIEWS_MAX })}</p>}
      {views.length > 0 && (
        <ul aria-label={t("views.label")} className="flex flex-col text-sm">
          {views.map((view) => (
            <li key={view.name} className="flex items-center justify-between gap-2 border-t border-line py-1">
              <span className="truncate">{view.name}</span>
              <Button
                tone="quiet"
                icon={<Icon name="close" />}
                aria-label={t("views.remove", { name: view.name })}
                onClick={() => onRemove(view.name)}
              />
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
