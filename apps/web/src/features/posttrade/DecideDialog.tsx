import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import { ApiError } from "@/api/errors";
import { useAccountNames } from "@/app/scope";
import type { Discrepancy } from "@/features/posttrade/differences";
import { useDiscrepancyWords } from "@/features/posttrade/discrepancyColumns";
import { Confirm } from "@/kit/Confirm";
import { Dialog } from "@/kit/Dialog";
import { useErrorText } from "@/kit/errorText";
import { StatusPill } from "@/kit/StatusPill";

export type Decision = "apply" | "dismiss";

interface Outcome {
  row: Discrepancy;
  state: "done" | "rejected" | "unknown";
  error: unknown;
}

async function decide(row: Discrepancy, decision: Decision, comment: string): Promise<Outcome> {
  const params = { path: { discrepancy_id: row.id } };
  try {
    const { item } = await call(
      decision === "apply"
        ? api.POST("/oms/discrepancies/{discrepancy_id}/apply", { params, body: { comment } })
        : api.POST("/oms/discrepancies/{discrepancy_id}/dismiss", { params, body: { comment } }),
    );
    // An answer before the decision was made has the row as it was.
    return { row, state: item.status === row.status ? "unknown" : "done", error: null };
  } catch (error) {
    const unknown = error instanceof ApiError && (error.status === 0 || error.outcome === "unknown");
    return { row, state: unknown ? "unknown" : "rejected", error };
  }
}

interface Props {
  decision: Decision;
  rows: readonly Discrepancy[];
  onClose: () => void;
}

/** Apply or dismiss discrepancies one after the other; lists what became of each. */
export function DecideDialog({ decision, rows: asked, onClose }: Props) {
  const { t } = useTranslation("posttrade");
  const account = useAccountNames();
  const words = useDiscrepancyWords();
  const client = useQueryClient();
  const [rows] = useState(asked);
  const [outcomes, setOutcomes] = useState<readonly Outcome[] | null>(null);
  if (outcomes !== null) {
    return (
      <Dialog open onClose={onClose} title={t("decide.results")}>
        <ul className="num text-sm">
          {outcomes.map((outcome) => (
            <OutcomeLine key={outcome.row.id} outcome={outcome} />
          ))}
        </ul>
      </Dialog>
    );
  }
  return (
    <Confirm
      open
      onClose={onClose}
      staysOpen
      tier={3}
      title={t(`decide.${decision}Title`, { count: rows.length })}
      effect={t(`decide.${decision}Effect`)}
      action={t(`decide.${decision}`)}
      environment={rows.some((row) => account(row.account_id).environment === "live") ? "live" : undefined}
      onConfirm={async (comment) => {
        const made: Outcome[] = [];
        for (const row of rows) made.push(await decide(row, decision, comment));
        void client.invalidateQueries({ queryKey: ["discrepancies"] });
        void client.invalidateQueries({ queryKey: ["reconcile"] });
        setOutcomes(made);
      }}
    >
      <ul className="num max-h-48 overflow-y-auto text-sm">
        {rows.map((row) => (
          <li key={row.id} className="flex justify-between gap-2 border-t border-line py-1">
            <span>
              {row.symbol} · {words.kind(row)} · {account(row.account_id).label}
            </span>
            <span className="text-muted">{words.fix(row)}</span>
          </li>
        ))}
      </ul>
    </Confirm>
  );
}

const TONES = { done: "good", rejected: "bad", unknown: "warn" } as const;

function OutcomeLine({ outcome }: { outcome: Outcome }) {
  const { t } = useTranslation("posttrade");
  const text = useErrorText();
  const words = useDiscrepancyWords();
  const { row, state, error } = outcome;
  return (
    <li className="flex flex-col gap-0.5 border-t border-line py-1">
      <span className="flex justify-between gap-2">
        <span>
          {row.symbol} · {words.kind(row)}
        </span>
        <StatusPill tone={TONES[state]}>{t(`outcome.${state}`)}</StatusPill>
      </span>
      {error !== null && <span className="text-xs text-muted">{text(error)}</span>}
      {state === "unknown" && error === null && <span className="text-xs text-muted">{t("outcome.pending")}</span>}
    </li>
  );
}
