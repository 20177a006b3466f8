import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { loadSession, session } from "@/api/session";
import { PageLoading } from "@/app/PageStates";
import { queryClient } from "@/app/queries";
import { router } from "@/app/router";
import { useAppearance } from "@/app/useAppearance";
import { CommandToasts } from "@/commands/CommandToasts";
import { ErrorState } from "@/kit/ErrorState";
import { Toasts } from "@/kit/Toast";
import { useStore } from "@/lib/store";

const LoginPage = lazy(() => import("@/features/auth/LoginPage"));

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

/** The page: the login, or the pages of the user who is logged in. */
export function App() {
  useAppearance();
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queryClient}>
        <div className="isolate flex h-full flex-col">
          <Suspense fallback={<PageLoading />}>
            <Content />
          </Suspense>
        </div>
        <Toasts />
      </QueryClientProvider>
    </CSPProvider>
  );
}
