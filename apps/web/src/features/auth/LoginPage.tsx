import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, call } from "@/api/client";
import { ApiError } from "@/api/errors";
import { login, type Credentials } from "@/api/session";
import { ApiKeyForm, PasswordForm } from "@/features/auth/forms";
import { ErrorState } from "@/kit/ErrorState";
import { Segmented } from "@/kit/Segmented";
import { Tabs } from "@/kit/Tabs";
import { LANGUAGES, setPreference, type Language } from "@/lib/preferences";

const LANGUAGE_SHORT: Record<Language, string> = { en: "EN", "pt-BR": "PT", es: "ES" };

/** Seconds until another attempt counts. */
function useThrottle(): [number, (seconds: number) => void] {
  const [until, setUntil] = useState(0);
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (until <= now) return undefined;
    const timer = setTimeout(() => setNow(Date.now()), 500);
    return () => clearTimeout(timer);
  }, [until, now]);
  return [
    Math.max(0, Math.ceil((until - now) / 1000)),
    (seconds) => {
      setNow(Date.now());
      setUntil(Date.now() + seconds * 1000);
    },
  ];
}

/** Login by user and password, or by API key. */
export default function LoginPage({ expired }: { expired: boolean }) {
  const { t, i18n } = useTranslation("auth");
  const [mode, setMode] = useState<Credentials["mode"]>("password");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [wait, startWait] = useThrottle();

  const submit = async (credentials: Credentials) => {
    setBusy(true);
    setError(null);
    try {
      await login(credentials);
    } catch (cause) {
      setError(cause);
      if (cause instanceof ApiError && cause.code === "login_throttled") startWait(cause.retryAfterSeconds ?? 1);
      setBusy(false);
    }
  };
  const form = { busy, locked: wait > 0, onSubmit: (credentials: Credentials) => void submit(credentials) };

  return (
    <main className="grid min-h-full place-items-center p-4">
      <div className="flex w-full max-w-[360px] flex-col gap-4">
        <Segmented
          label={t("language", { ns: "shell" })}
          value={i18n.language as Language}
          onChange={(language) => setPreference("language", language)}
          segments={LANGUAGES.map((value) => ({ value, label: LANGUAGE_SHORT[value] }))}
          className="self-end"
        />
        <section className="flex flex-col gap-4 rounded border border-line bg-panel p-5">
          <h1 className="flex items-center gap-2 text-lg font-semibold">
            <img src="/ui/favicon.svg" alt="" width={24} height={24} />
            {t("product", { ns: "common" })}
          </h1>
          {expired && <p className="text-sm text-warn">{t("expired")}</p>}
          <Tabs
            label={t("title")}
            value={mode}
            onChange={(next) => {
              setMode(next as Credentials["mode"]);
              setError(null);
            }}
            tabs={[
              { id: "password", label: t("byPassword"), content: <PasswordForm {...form} /> },
              { id: "api_key", label: t("byKey"), content: <ApiKeyForm {...form} /> },
            ]}
          />
          {wait > 0 ? (
            <p role="alert" className="num text-sm text-down">
              {t("throttled", { seconds: wait })}
            </p>
          ) : (
            error !== null && <ErrorState error={error} compact />
          )}
        </section>
        <ServerInfo />
      </div>
    </main>
  );
}

/** Which gateway this is, before anything is typed. */
function ServerInfo() {
  const { t } = useTranslation("auth");
  const version = useQuery({ queryKey: ["version"], queryFn: () => call(api.GET("/version")) });
  const health = useQuery({ queryKey: ["healthz"], queryFn: () => call(api.GET("/healthz")) });
  return (
    <p className="min-h-4 text-center text-xs text-muted">
      {version.data !== undefined &&
        t("server", { name: version.data.name, version: version.data.version, env: health.data?.env ?? "" })}
      {health.data?.status === "degraded" && <span className="block text-warn">{t("degraded")}</span>}
    </p>
  );
}
