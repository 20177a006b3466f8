import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { isGood, OFFSET_MAX_S, testConnection, type Connection, type Found, type TestResult } from "@/features/accounts/connection";
import { Button } from "@/kit/Button";
import { Facts } from "@/kit/DetailDrawer";
import { ErrorState } from "@/kit/ErrorState";
import { useErrorText } from "@/kit/errorText";
import { StatusPill, type PillTone } from "@/kit/StatusPill";
import { useFormats } from "@/lib/format";

/** Tests the connection of an account and shows what each step found. */
export function ConnectionTest({ accountId }: { accountId: number }) {
  const { t } = useTranslation("accounts");
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<TestResult | null>(null);
  const run = async () => {
    setBusy(true);
    setResult(null);
    setResult(await testConnection(accountId));
    setBusy(false);
  };
  return (
    <section className="flex flex-col gap-3" aria-label={t("test.title")}>
      <Button busy={busy} onClick={() => void run()} className="self-start">
        {t("test.action")}
      </Button>
      <div role="status" className="flex flex-col gap-3">
        {result !== null && (
          <StatusPill tone={isGood(result) ? "good" : "bad"}>{t(isGood(result) ? "test.good" : "test.bad")}</StatusPill>
        )}
        {result !== null && <Steps result={result} />}
      </div>
    </section>
  );
}

function Steps({ result }: { result: TestResult }) {
  const { t } = useTranslation("accounts");
  const { time } = useFormats();
  return (
    <>
      <Step title={t("test.worker")} found={result.connection}>
        {(connection) => <Worker connection={connection} />}
      </Step>
      <Step title={t("test.clock")} found={result.clock}>
        {(clock) => {
          const far = Math.abs(clock.offsetSeconds) > OFFSET_MAX_S;
          return (
            <Line tone={far ? "warn" : "good"}>
              {t(far ? "test.clockFar" : "test.clockGood", { time: time(clock.time), seconds: Math.abs(clock.offsetSeconds) })}
            </Line>
          );
        }}
      </Step>
      <Step title={t("test.balance")} found={result.balance}>
        {(balances) =>
          balances.length === 0 ? (
            <Line tone="good">{t("test.empty")}</Line>
          ) : (
            <>
              <Line tone="good">{t("test.balances", { count: balances.length })}</Line>
              <Facts facts={balances.map((balance) => [balance.currency, balance.amount])} />
            </>
          )
        }
      </Step>
    </>
  );
}

function Worker({ connection }: { connection: Connection }) {
  const { t } = useTranslation("accounts");
  const errorText = useErrorText();
  if (!connection.answered) return <Line tone="bad">{t("test.noWorker")}</Line>;
  const problem = connection.trouble;
  if (problem === null) return <Line tone="good">{t("test.workerGood")}</Line>;
  return (
    <>
      <Line tone="bad">{errorText(problem)}</Line>
      <code className="text-2xs text-muted">{problem.code}</code>
    </>
  );
}

function Line({ tone, children }: { tone: PillTone; children: ReactNode }) {
  return <StatusPill tone={tone}>{children}</StatusPill>;
}

function Step<T>({ title, found, children }: { title: string; found: Found<T> | null; children: (value: T) => ReactNode }) {
  const { t } = useTranslation("accounts");
  return (
    <div className="flex flex-col gap-1 border-t border-line pt-2">
      <h3 className="text-xs text-muted">{title}</h3>
      {found === null && <Line tone="neutral">{t("test.notAsked")}</Line>}
      {found !== null && "error" in found && <ErrorState error={found.error} compact />}
      {found !== null && "value" in found && children(found.value)}
    </div>
  );
}
