import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { loadSession, session } from "@/api/session";
import { PageLoading } from "@/app/PageStates";
import { queryClient } from "@/app/queries";
import { router } from "@/app/router";
import { sharedToken } from "@/app/shared";
import { useAppearance } from "@/app/useAppearance";
import { CommandToasts } from "@/commands/CommandToasts";
import { ErrorState } from "@/kit/ErrorState";
import { Toasts } from "@/kit/Toast";
import { useStore } from "@/lib/store";
import { loadPageTexts } from "@/locales";

const LoginPage = lazy(() => import("@/features/auth/LoginPage"));
const Shared = lazy(async () => {
  const [page] = await Promise.all([import("@/features/sharing/Shared"), loadPageTexts()]);
  return page;
});

function Content() {
  const state = useStore(session);
  const { t } = useTranslation();
  switch (state.status) {
    case "checking":
    case "leaving":
      return <PageLoading />;
    case "unreachable":
      return (
        <main className="m-auto" aria-label={t("boot.unreachable")}>
          <ErrorState error={state.error} onRetry={() => void loadSession()} />
        </main>
      );
    case "anonymous":
      return <LoginPage expired={state.expired} />;
    case "active":
      return (
        <>
          <RouterProvider router={router} />
          <CommandToasts />
        </>
      );
  }
}

/** The page: the login, the pages of the user who is logged in, or what a share link shows. */
export function App() {
  useAppearance();
  const [token] = useState(sharedToken);
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queryClient}>
        <div className="isolate flex h-full flex-col">
          <Suspense fallback={<PageLoading />}>
            {token === null ? <Content /> : <Shared token={token} />}
          </Suspense>
        </div>
        <Toasts />
      </QueryClientProvider>
    </CSPProvider>
  );
}
